"""What to send next for one person, case by case."""

from typing import Any

import pytest

from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.model.entity import Entity, PendingEvent, Profile, Unconfirmed
from connector.planning import plan
from connector.planning import step as steps
from connector.planning.step import Step
from tests.build import actions, ident, owed, person, rules, wanted

EVENTS = (owed("01A"), owed("01B"))


def entity(delivered: Profile | None = None, *tried: str, names: str = "", doubt: int = 0) -> Entity:
    """An entity with what was delivered, and the identifiers and names that were tried without an answer."""
    return Entity(
        "u-1", delivered=delivered, tried=Unconfirmed(tuple(map(ident, tried)), frozenset(names)), doubt=doubt
    )


def step(of: Entity, desired: Desired, events: tuple[PendingEvent, ...] = EVENTS, **settings: Any) -> Step:
    return plan.next_step(of, desired, events, rules(**settings))


def identifiers(one: Step) -> list[str]:
    return [str(next(iter(each.item["identifiers"].values()))) for each in one.operations]


# --- who should be there ---------------------------------------------------------------------------------------------


def test_a_new_person_is_identified_before_any_event() -> None:
    first = step(entity(), wanted(person(plan="pro")))
    assert actions(first) == ["identify"]
    assert first.operations[0].item["attributes"] == {"plan": "pro"}
    assert (first.after, first.effect) == (person(plan="pro"), "created")


def test_a_changed_person_takes_the_events_along() -> None:
    one = step(entity(person(plan="pro")), wanted(person(plan="team")))
    assert actions(one) == ["identify", "event", "event"]
    assert [each.event for each in one.operations] == [None, "01A", "01B"]
    assert (one.after, one.effect, one.more) == (person(plan="team"), "updated", False)


def test_an_unchanged_person_is_sent_only_events() -> None:
    one = step(entity(person(plan="pro")), wanted(person(plan="pro")))
    assert actions(one) == ["event", "event"]
    assert one.after == person(plan="pro")


def test_an_unchanged_person_without_events_is_owed_nothing() -> None:
    assert not step(entity(person(plan="pro")), wanted(person(plan="pro")), ()).operations


@pytest.mark.parametrize(
    ("delivered", "desired", "sent"),
    [
        ({"plan": "pro"}, {"plan": None}, {"plan": None}),
        ({"plan": "pro", "old": 1}, {"plan": "pro"}, {"plan": "pro", "old": None}),
        ({"old": None}, {"plan": "pro"}, {"plan": "pro", "old": None}),
        ({}, {"plan": None}, {"plan": None}),
        ({"plan": 1}, {"plan": True}, {"plan": True}),
        ({"plan": [1, {"a": 1}]}, {"plan": [1, {"a": True}]}, {"plan": [1, {"a": True}]}),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 1, "b": 3}),
    ],
)
def test_an_update_is_the_whole_person_and_nulls_for_what_is_gone(
    delivered: dict[str, Any], desired: dict[str, Any], sent: dict[str, Any]
) -> None:
    one = step(entity(person(**delivered)), wanted(person(**desired)), ())
    assert one.operations[0].item["attributes"] == sent
    assert one.after == person(**desired)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ([1, 2], [2, 1], False),
        ([], {}, False),
        (None, False, False),
        ({"a": [True]}, {"a": [1]}, False),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ("1", 1, False),
    ],
)
def test_values_are_the_same_as_json(one: Any, other: Any, same: bool) -> None:
    assert steps.same(one, other) is same
    assert steps.same(other, one) is same


def test_update_only_asks_never_to_create() -> None:
    one = step(entity(), wanted(person(plan="pro")), mode="update")
    assert one.operations[0].item["attributes"]["_update"] is True
    assert one.after == person(plan="pro")


def test_who_is_kept_is_brought_to_what_was_last_said() -> None:
    one = step(entity(person(plan="pro")), wanted(person(plan="team"), AudienceStatus.KEPT))
    assert actions(one)[0] == "identify"


# --- who should not --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "deleted"),
    [
        (entity(), []),
        (entity(person("1001")), ["1001"]),
        (entity(person("1001", "0999")), ["1001", "0999"]),
        (entity(None, "1002", doubt=1), ["1002"]),
        (entity(person("1001"), "1001", "1002", doubt=1), ["1001", "1002"]),
        (entity(None, "1002", doubt=0), []),
    ],
    ids=["never sent", "delivered", "former too", "tried", "delivered and tried", "tried, but answered"],
)
def test_a_deletion_addresses_whatever_may_be_there(known: Entity, deleted: list[str]) -> None:
    one = step(known, wanted(None, AudienceStatus.DELETED))
    assert actions(one) == ["delete"] * len(deleted)
    assert identifiers(one) == deleted
    assert (one.after, one.dropped) == (None, ("01A", "01B"))
    assert one.effect == ("deleted" if deleted else None)


def test_a_clearing_nulls_what_was_delivered_and_still_sends_the_events() -> None:
    one = step(entity(person(plan="pro", old=None)), wanted(None, AudienceStatus.CLEARED))
    assert actions(one) == ["identify", "event", "event"]
    assert one.operations[0].item["attributes"] == {"plan": None, "old": None}
    assert one.after == person()


def test_a_clearing_in_doubt_nulls_what_was_tried() -> None:
    one = step(entity(person(plan="pro"), names="xy", doubt=1), wanted(None, AudienceStatus.CLEARED), ())
    assert one.operations[0].item["attributes"] == {"plan": None, "x": None, "y": None}


@pytest.mark.parametrize(
    ("known", "dropped"), [(entity(), ("01A", "01B")), (entity(person()), ())], ids=["never sent", "cleared before"]
)
def test_nobody_is_created_or_sent_to_be_cleared(known: Entity, dropped: tuple[str, ...]) -> None:
    one = step(known, wanted(None, AudienceStatus.CLEARED))
    assert "identify" not in actions(one)
    assert one.dropped == dropped


# --- whom nothing addresses ------------------------------------------------------------------------------------------

VISITOR = owed("01C", anonymous_id="v-1")
RECIPIENT = owed("01D", properties={"recipient": "user-2@example.com"})


def test_events_of_somebody_delivered_before_go_to_them() -> None:
    one = step(entity(person()), wanted(None, AudienceStatus.NO_IDENTIFIER), (VISITOR, EVENTS[0]))
    assert identifiers(one) == ["1001", "1001"]
    assert one.after == person()


def test_events_of_a_visitor_go_out_under_the_anonymous_id() -> None:
    one = step(entity(), wanted(None, AudienceStatus.NO_IDENTIFIER), (VISITOR,), anonymous_events=True)
    assert one.operations[0].item["anonymous_id"] == "v-1"
    assert one.operations[0].endpoint == "v1_event"


def test_an_event_with_only_a_recipient_goes_to_the_first_version_of_the_api() -> None:
    one = step(entity(), wanted(None, AudienceStatus.NO_EMAIL), (RECIPIENT,), anonymous_events=True)
    assert one.operations[0].endpoint == "v1_event"
    assert "identifiers" not in one.operations[0].item


def test_other_events_wait() -> None:
    one = step(entity(), wanted(None, AudienceStatus.NO_IDENTIFIER), anonymous_events=True)
    assert (one.operations, one.dropped) == ((), ())


@pytest.mark.parametrize("event", [VISITOR, RECIPIENT], ids=["visitor", "recipient"])
def test_an_event_accepted_for_somebody_known_is_not_sent_anonymously(event: PendingEvent) -> None:
    assert not step(entity(), wanted(None, AudienceStatus.NO_IDENTIFIER), (event,), anonymous_events=False).operations


# --- another identifier ----------------------------------------------------------------------------------------------


def test_merge_identifies_first_and_merges_next() -> None:
    first = step(entity(person("old", plan="pro")), wanted(person("new", plan="pro")))
    assert (actions(first), first.more) == (["identify"], True)
    assert first.after == person("new", "old", plan="pro")
    second = step(entity(first.after), wanted(person("new", plan="pro")))
    assert (actions(second), second.effect, second.more) == (["merge"], "merged", True)
    assert second.operations[0].item["primary"] == {"id": "new"}
    assert second.operations[0].item["secondary"] == {"id": "old"}
    assert second.after == person("new", plan="pro")


def test_replace_deletes_first_and_identifies_next() -> None:
    first = step(entity(person("old", plan="pro")), wanted(person("new")), on_identifier_change="replace")
    assert (actions(first), identifiers(first), first.more) == (["delete"], ["old"], True)
    assert first.after is None
    second = step(entity(first.after), wanted(person("new")), on_identifier_change="replace")
    assert actions(second) == ["identify"]


def test_keep_goes_on_under_the_delivered_identifier() -> None:
    one = step(entity(person("old", plan="pro")), wanted(person("new", plan="team")), on_identifier_change="keep")
    assert identifiers(one) == ["old", "old", "old"]
    assert one.after == person("old", plan="team")


def test_leave_starts_a_whole_person_and_touches_no_other() -> None:
    one = step(
        entity(person("old", plan="pro", city="x")), wanted(person("new", plan="pro")), on_identifier_change="leave"
    )
    assert (actions(one), identifiers(one), one.effect) == (["identify"], ["new"], "created")
    assert one.operations[0].item["attributes"] == {"plan": "pro", "city": None}


@pytest.mark.parametrize("way", ["merge", "replace", "keep", "leave"])
def test_an_email_in_another_case_is_no_other_identifier(way: str) -> None:
    delivered = Profile(ident("User-1@example.com", "email"), {"plan": "pro"})
    desired = wanted(Profile(ident("user-1@example.com", "email"), {"plan": "pro"}))
    assert not step(entity(delivered), desired, (), on_identifier_change=way).operations


# --- requests without an answer --------------------------------------------------------------------------------------


def test_in_doubt_the_whole_person_is_sent_and_nulls_for_what_was_tried() -> None:
    one = step(entity(person(plan="pro"), "1001", names="xy", doubt=1), wanted(person(plan="pro")), ())
    assert one.operations[0].item["attributes"] == {"plan": "pro", "x": None, "y": None}
    assert one.after == person(plan="pro")


def test_without_doubt_what_was_tried_does_not_count() -> None:
    assert not step(entity(person(plan="pro"), "1002", names="x"), wanted(person(plan="pro")), ()).operations


def test_in_doubt_a_tried_identifier_is_merged_afterwards() -> None:
    one = step(entity(None, "old", doubt=2), wanted(person("new")))
    assert (actions(one), one.after) == (["identify"], person("new", "old"))


def test_replacing_in_doubt_sends_the_person_again() -> None:
    # Delivered as 1001; then 1002, whose step (delete 1001) was not answered; then 1001 again.
    under = {"on_identifier_change": "replace"}
    first = step(entity(person(plan="pro"), "1002", doubt=1), wanted(person(plan="pro")), (), **under)
    assert identifiers(first) == ["1002"]
    second = step(entity(first.after), wanted(person(plan="pro")), (), **under)
    assert actions(second) == ["identify"]


# --- owing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "desired", "owes"),
    [
        (entity(), wanted(person()), True),
        (entity(person()), wanted(person()), False),
        (entity(person()), wanted(person(plan="pro")), True),
        (entity(person(), doubt=1), wanted(person()), True),
        (entity(person("1001", "0999")), wanted(person()), True),
        (entity(), wanted(None, AudienceStatus.DELETED), False),
        (entity(person()), wanted(None, AudienceStatus.DELETED), True),
        (entity(person()), wanted(None, AudienceStatus.CLEARED), False),
        (entity(person(plan="pro")), wanted(None, AudienceStatus.CLEARED), True),
        (entity(person()), wanted(None, AudienceStatus.NO_IDENTIFIER), False),
        (entity(), wanted(None, AudienceStatus.OUTSIDE), False),
    ],
)
def test_whether_customer_io_must_hear_of_somebody(known: Entity, desired: Desired, owes: bool) -> None:
    assert plan.is_owed(known, desired, rules()) is owes
