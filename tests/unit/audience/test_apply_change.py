"""What one change does to what is known of a user."""

from typing import Any

import pytest

from connector.audience.apply_change import AppliedChange, Skip, merge
from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import desired, person
from connector.model.change import Change, Event
from connector.model.entity import Facts
from tests.build import (
    OCTOBER,
    PAYING,
    STAFF,
    TRIAL,
    after,
    change,
    event,
    ident,
    moved,
    rules,
    said,
    sent_of,
    snapshot,
)

NOBODY = {"external_id": None}


def first(message: Change, **settings: Any) -> AppliedChange:
    return merge(Facts(), message, rules(**settings))


def names(merged: AppliedChange) -> list[str]:
    return [each.name for each in merged.events]


# --- who gets in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("whitelist", "message", "standing"),
    [
        (["Paying"], snapshot(1, PAYING), AudienceStatus.IN),
        (["s-1"], snapshot(1, PAYING), AudienceStatus.IN),
        (["Trial", "Paying"], snapshot(1, STAFF, PAYING), AudienceStatus.IN),
        (["*"], snapshot(1), AudienceStatus.IN),
        (["*"], change(1), AudienceStatus.IN),
        (["*"], said(1), AudienceStatus.NO_IDENTIFIER),
        (["Paying"], moved(1, PAYING), AudienceStatus.NO_IDENTIFIER),
        (["Paying"], change(entered=(PAYING,)), AudienceStatus.IN),
        (["Paying"], snapshot(1, STAFF), AudienceStatus.OUTSIDE),
        (["Paying"], snapshot(1), AudienceStatus.OUTSIDE),
        (["Paying"], said(1), AudienceStatus.OUTSIDE),
        (["Paying"], moved(1, left=[PAYING]), AudienceStatus.OUTSIDE),
        ([], snapshot(1, PAYING), AudienceStatus.OUTSIDE),
        (["Paying"], snapshot(1, PAYING, external_id=None), AudienceStatus.NO_IDENTIFIER),
        (["Paying"], snapshot(1, PAYING, external_id=""), AudienceStatus.NO_IDENTIFIER),
        (["Paying"], snapshot(1, PAYING, external_id=True), AudienceStatus.NO_IDENTIFIER),
        (["Paying"], snapshot(1, PAYING, external_id=["1001"]), AudienceStatus.NO_IDENTIFIER),
        (["Paying"], snapshot(1, PAYING, external_id=0), AudienceStatus.NO_IDENTIFIER),
    ],
)
def test_how_a_new_user_stands(whitelist: list[str], message: Change, standing: AudienceStatus) -> None:
    assert first(message, segments=whitelist).standing is standing


@pytest.mark.parametrize(
    ("email", "standing"),
    [
        ("user-1@example.com", AudienceStatus.IN),
        (None, AudienceStatus.NO_EMAIL),
        ("", AudienceStatus.NO_EMAIL),
        ("n/a", AudienceStatus.NO_EMAIL),
    ],
)
def test_who_must_have_an_email_waits_for_one(email: str | None, standing: AudienceStatus) -> None:
    assert first(snapshot(1, PAYING, email=email), require_email=True).standing is standing


def test_of_the_snapshot_of_somebody_outside_only_the_membership_is_kept() -> None:
    facts = first(snapshot(1, STAFF, plan="pro", email="user-1@example.com")).facts
    assert not facts.entered
    assert (facts.attributes.values, facts.identity.values) == ({}, {})
    assert facts.segments.values == {"s-3": "Staff"}


# --- what is known then ----------------------------------------------------------------------------------------------


def test_a_snapshot_tells_everything() -> None:
    facts = first(snapshot(1, PAYING, STAFF, plan="pro", email="user-1@example.com", unmapped=1)).facts
    assert facts.entered
    assert person(facts, rules()).attributes == {"plan": "pro", "hull_segment": ["paying", "staff"]}
    assert facts.segments.values == {"s-1": "Paying", "s-3": "Staff"}
    assert facts.identity.values == {"identifier": "1001", "email": "user-1@example.com"}


INSIDE = snapshot(1, PAYING, plan="pro", email="user-1@example.com")


@pytest.mark.parametrize(
    ("later", "plan", "listed"),
    [
        (said(2, plan="team"), "team", ["paying"]),
        (said(2, plan=None), None, ["paying"]),
        (said(2, other=1), "pro", ["paying"]),
        (snapshot(2, PAYING, plan="team"), "team", ["paying"]),
        (snapshot(2, PAYING), "absent", ["paying"]),
        (moved(2, STAFF), "pro", ["paying", "staff"]),
        (moved(2, STAFF, left=[TRIAL]), "pro", ["paying", "staff"]),
        (said(0, plan="old"), "pro", ["paying"]),
        (snapshot(0, PAYING, TRIAL, plan="old"), "pro", ["paying"]),
        (said(None, plan="team"), "team", ["paying"]),
        (snapshot(None, PAYING, TRIAL, plan="team"), "team", ["paying", "trial"]),
    ],
    ids=[
        "part", "null", "other", "whole", "gone", "entered", "entered and left", "stale part", "stale whole",
        "part without version", "whole without version",
    ],
)  # fmt: skip
def test_a_later_message_about_somebody_inside(later: Change, plan: str | None, listed: list[str]) -> None:
    values = sent_of([INSIDE, later], rules())
    assert values.get("plan", "absent") == plan
    assert values["hull_segment"] == listed


def test_a_whole_user_without_a_membership_leaves_the_membership() -> None:
    later = change(2, user={"external_id": "1001", "plan": "team"}, whole=True)
    values = sent_of([INSIDE, later], rules())
    assert values == {"plan": "team", "hull_segment": ["paying"]}


def test_without_a_segment_attribute_no_list_is_kept() -> None:
    assert sent_of([INSIDE], rules(segment_attribute="")) == {"plan": "pro"}


def test_a_part_that_does_not_name_the_identifier_leaves_it() -> None:
    facts = after([INSIDE, change(2, user={"plan": "team"})], rules())
    assert facts.identity.values == INSIDE_IDENTITY


INSIDE_IDENTITY = {"identifier": "1001", "email": "user-1@example.com"}


@pytest.mark.parametrize("second", [2, None], ids=["versions", "no versions"])
def test_versionless_changes_count_by_arrival(second: int | None) -> None:
    told = [snapshot(None, PAYING, plan="a"), snapshot(second, PAYING, plan="b"), snapshot(None, PAYING, plan="c")]
    assert after(told, rules()).attributes.values["plan"] == "c"


@pytest.mark.parametrize(
    ("version", "stale"), [(0, True), (1, False), (2, False), (None, False)], ids=["older", "same", "newer", "none"]
)
def test_only_an_older_change_is_stale(version: int | None, stale: bool) -> None:
    assert merge(first(INSIDE).facts, snapshot(version, PAYING), rules()).stale is stale


def test_what_cannot_be_sent_is_a_problem_and_costs_only_itself() -> None:
    merged = first(snapshot(1, PAYING, plan="x" * 1001, email="user-1@example.com"))
    assert "plan" not in merged.facts.attributes.values
    assert merged.standing is AudienceStatus.IN
    assert [problem.kind for problem in merged.problems] == ["attribute"]


# --- exit and re-entry -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leave", [snapshot(2, STAFF, plan="new"), moved(2, left=[PAYING])], ids=["whole", "left"])
@pytest.mark.parametrize(
    ("on_exit", "standing"),
    [("keep", AudienceStatus.KEPT), ("clear", AudienceStatus.CLEARED), ("delete", AudienceStatus.DELETED)],
)
def test_who_leaves_gets_what_the_settings_say(leave: Change, on_exit: str, standing: AudienceStatus) -> None:
    assert merge(first(INSIDE).facts, leave, rules(on_exit=on_exit)).standing is standing


@pytest.mark.parametrize("later", [snapshot(3, STAFF, plan="new"), said(3, plan="new"), moved(3, TRIAL)])
def test_who_is_kept_stays_as_last_sent(later: Change) -> None:
    gone = [INSIDE, snapshot(2, STAFF, plan="last")]
    assert sent_of(gone, rules()) == sent_of([INSIDE], rules())
    assert sent_of([*gone, later], rules()) == sent_of([INSIDE], rules())


@pytest.mark.parametrize("on_exit", ["keep", "clear", "delete"])
def test_who_comes_back_is_whole_again(on_exit: str) -> None:
    under = rules(on_exit=on_exit)
    facts = after([INSIDE, snapshot(2, STAFF), said(3, plan="between"), snapshot(4, PAYING, TRIAL, plan="back")], under)
    merged = merge(facts, said(5), under)
    assert merged.standing is AudienceStatus.IN
    assert person(merged.facts, under).attributes == {"plan": "back", "hull_segment": ["paying", "trial"]}


@pytest.mark.parametrize(("on_exit", "plan"), [("keep", "pro"), ("clear", "between"), ("delete", "between")])
def test_who_comes_back_by_entering_has_what_was_said_last(on_exit: str, plan: str) -> None:
    told = [INSIDE, moved(2, left=[PAYING]), said(3, plan="between"), moved(4, PAYING)]
    assert after(told, rules(on_exit=on_exit)).attributes.values["plan"] == plan


@pytest.mark.parametrize("on_exit", ["keep", "clear", "delete"])
def test_a_late_exit_does_not_put_anybody_out(on_exit: str) -> None:
    under = rules(on_exit=on_exit)
    merged = merge(after([snapshot(3, PAYING, plan="pro")], under), snapshot(2, STAFF, plan="old"), under)
    assert (merged.standing, merged.stale) == (AudienceStatus.IN, True)
    assert merged.facts == after([snapshot(3, PAYING, plan="pro")], under)


# --- events ----------------------------------------------------------------------------------------------------------

SIGNED_UP = event()
PAGE = event("https://example.com/", "e-2", kind="page")
SCREEN = event("Home", "e-3", kind="screen")


@pytest.mark.parametrize(
    ("allowed", "passed"),
    [
        ([], []),
        (["Signed up"], ["Signed up"]),
        (["page"], ["https://example.com/"]),
        (["screen"], ["Home"]),
        (["Signed up", "page", "screen"], ["Signed up", "https://example.com/", "Home"]),
        (["*"], ["Signed up", "https://example.com/", "Home"]),
        (["Other"], []),
    ],
)
def test_only_listed_events_pass_in_their_order(allowed: list[str], passed: list[str]) -> None:
    merged = first(snapshot(1, PAYING, events=[SIGNED_UP, PAGE, SCREEN]), events=allowed)
    assert names(merged) == passed
    assert len(merged.skipped) == 3 - len(passed)
    assert {each.reason for each in merged.skipped} <= {Skip.NOT_ALLOWED}


@pytest.mark.parametrize(
    ("message", "settings", "reason"),
    [
        (snapshot(1, STAFF, events=[SIGNED_UP]), {}, Skip.OUTSIDE),
        (snapshot(1, events=[SIGNED_UP]), {}, Skip.OUTSIDE),
        (snapshot(1, PAYING, events=[event("Other")]), {}, Skip.NOT_ALLOWED),
        (snapshot(1, PAYING, events=[SIGNED_UP], **NOBODY), {}, Skip.NO_IDENTIFIER),
        (snapshot(1, PAYING, events=[SIGNED_UP]), {"require_email": True}, Skip.NO_EMAIL),
        (snapshot(1, PAYING, events=[SIGNED_UP], **NOBODY), {"anonymous_events": True}, Skip.NO_ANONYMOUS_ID),
        (snapshot(1, PAYING, events=[event("  ")]), {"events": ["*"]}, Skip.BAD_NAME),
        (snapshot(1, PAYING, events=[event("", kind="page")]), {"events": ["*"]}, Skip.BAD_NAME),
    ],
)
def test_why_an_event_is_skipped(message: Change, settings: dict[str, Any], reason: Skip) -> None:
    merged = first(message, **{"events": ["Signed up"], **settings})
    assert [each.reason for each in merged.skipped] == [reason]
    assert merged.events == ()
    assert bool(merged.problems) == (reason is Skip.BAD_NAME)


@pytest.mark.parametrize(
    ("name", "kind", "sent"),
    [
        ("x" * 100, "event", "x" * 100),
        ("é" * 50, "event", "é" * 50),
        ("  Signed up ", "event", "Signed up"),
        ("x" * 101, "event", "x" * 100),
        ("x" * 101, "page", "x" * 100),
        ("é" * 51, "page", "é" * 50),
        ("x" + "é" * 50, "screen", "x" + "é" * 49),
    ],
)
def test_a_name_is_trimmed_and_cut_with_a_note_alike_for_all_kinds(name: str, kind: Any, sent: str) -> None:
    merged = first(snapshot(1, PAYING, events=[event(name, kind=kind)]), events=["*"])
    assert names(merged) == [sent]
    reason = f"the name of the {kind} exceeds 100 bytes: it is sent as {sent!r}"
    assert [each.reason for each in merged.problems] == ([reason] if sent != name.strip() else [])


@pytest.mark.parametrize(
    ("switches", "converted"),
    [
        ({}, True),
        ({"convert_dates": False}, False),
        ({"convert_event_dates": False}, False),
        ({"convert_dates": False, "convert_event_dates": True}, True),
    ],
)
def test_dates_among_the_properties_are_seconds_where_the_setting_says_so(
    switches: dict[str, bool], converted: bool
) -> None:
    given = {"at": "2020-01-01", "items": [{"due_at": 1577836800000, "price": 1577836800000, "day": "2020-01-01"}]}
    sent = {"at": 1577836800, "items": [{"due_at": 1577836800, "price": 1577836800000, "day": 1577836800}]}
    told = snapshot(1, PAYING, events=[event(properties=given)])
    (waiting,) = first(told, events=["*"], **switches).events
    (plain,) = first(told, events=["*"]).events
    assert (waiting.properties, waiting.id) == (sent if converted else given, plain.id)


def bought(properties: dict[str, Any], *events: Any, kind: Any = "event", **settings: Any) -> AppliedChange:
    """An order of these properties, by these `events` of the settings."""
    told = event("Order Completed", kind=kind, properties=properties)
    return first(snapshot(1, PAYING, events=[told]), events=list(events), **settings)


def test_properties_go_through_the_steps_of_their_event() -> None:
    steps = {"total": ["number"], "currency": ["trim", "upper"], "tags": [{"join": "; "}], "day": ["text"]}
    given = {"total": "12.50", "currency": " eur ", "tags": ["a", "b"], "day": "2020-01-01", "left": "As it is"}
    (owed,) = bought(given, {"name": "Order Completed", "transform": steps}).events
    sent = {"total": 12.5, "currency": "EUR", "tags": "a; b", "day": "2020-01-01", "left": "As it is"}
    assert owed.properties == sent
    (plain,) = bought(given, "*").events
    assert owed.id == plain.id


@pytest.mark.parametrize(
    ("properties", "sent"),
    [({}, "EUR"), ({"currency": None}, "EUR"), ({"currency": ""}, "EUR"), ({"currency": "NOK"}, "NOK")],
)
def test_a_default_stands_in_for_a_property_that_the_event_does_not_have(properties: dict[str, Any], sent: str) -> None:
    transform = {"currency": [{"default": "EUR"}], "total": ["number"]}
    (owed,) = bought(properties, {"name": "Order Completed", "transform": transform}).events
    assert owed.properties == {"currency": sent}


def test_a_property_that_a_step_cannot_take_is_left_out_and_told_and_the_event_goes() -> None:
    found = bought({"total": "many", "plan": "pro"}, {"name": "Order Completed", "transform": {"total": ["number"]}})
    assert [owed.properties for owed in found.events] == [{"plan": "pro"}]
    assert [(each.kind, each.subject, each.reason) for each in found.problems] == [
        (
            "event",
            "u-1",
            "the property 'total' of the event 'Order Completed' is text that the step \"number\" cannot take "
            "(it takes a number, also written as text): it is left out",
        )
    ]


@pytest.mark.parametrize(
    ("kind", "entries", "sent"),
    [
        ("event", {"*": ["upper"]}, "A B"),
        ("event", {"*": ["upper"], "Order Completed": ["lower"]}, "a b"),
        ("page", {"*": ["upper"], "page": ["lower"]}, "a b"),
        ("page", {"page": ["lower"], "Order Completed": ["upper"]}, "A B"),
        ("event", {"page": ["lower"], "*": []}, "A b"),
        ("screen", {"screen": ["lower"]}, "a b"),
    ],
)
def test_steps_of_an_events_name_go_before_those_of_its_kind_and_these_before_those_of_all(
    kind: Any, entries: dict[str, list[str]], sent: str
) -> None:
    events = [{"name": name, "transform": {"x": steps}} for name, steps in entries.items()]
    (owed,) = bought({"x": "A b"}, *events, kind=kind).events
    assert owed.properties == {"x": sent}


def test_an_event_keeps_its_time_and_properties() -> None:
    told = event(properties={"plan": "pro"}, anonymous_id="v-1")
    (waiting,) = first(snapshot(1, PAYING, events=[told]), events=["*"]).events
    assert (waiting.kind, waiting.occurred_at, waiting.properties) == ("event", OCTOBER, {"plan": "pro"})
    assert waiting.anonymous_id == "v-1"


def test_the_same_event_in_two_messages_has_one_id() -> None:
    ids = [
        first(change(1, segments=(PAYING,), events=(SIGNED_UP,), message_id=id), events=["*"]).events[0].id
        for id in ("m-1", "m-2")
    ]
    assert ids[0] == ids[1]


def test_two_equal_events_without_ids_stay_two_within_a_message() -> None:
    told = change(1, segments=(PAYING,), events=(event(id=None), event(id=None)), message_id="m-1")
    assert len({each.id for each in first(told, events=["*"]).events}) == 2


@pytest.mark.parametrize("on_exit", ["keep", "clear", "delete"])
def test_a_late_message_still_brings_its_events(on_exit: str) -> None:
    under = rules(events=["*"], on_exit=on_exit)
    late = snapshot(1, PAYING, events=[SIGNED_UP], plan="old")
    merged = merge(after([snapshot(2, PAYING, plan="new")], under), late, under)
    assert names(merged) == ["Signed up"]
    assert merged.facts.attributes.values["plan"] == "new"


def test_the_events_of_an_exit_do_not_pass() -> None:
    under = rules(events=["*"])
    assert merge(first(INSIDE).facts, snapshot(2, STAFF, events=[SIGNED_UP]), under).events == ()


# --- anonymous events ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "settings", "told", "passes"),
    [
        (NOBODY, {"anonymous_events": True}, event(anonymous_id="v-1"), True),
        (NOBODY, {"anonymous_events": False}, event(anonymous_id="v-1"), False),
        (NOBODY, {"anonymous_events": True}, event(), False),
        (NOBODY, {"anonymous_events": True}, event(properties={"recipient": "user-2@example.com"}), True),
        ({}, {"anonymous_events": True, "require_email": True}, event(anonymous_id="v-1"), True),
        ({}, {"anonymous_events": False, "require_email": True}, event(anonymous_id="v-1"), False),
        ({}, {"anonymous_events": False}, event(anonymous_id="v-1"), True),
    ],
)
def test_events_of_the_unaddressed_pass_by_switch(
    user: dict[str, Any], settings: dict[str, Any], told: Event, passes: bool
) -> None:
    merged = first(snapshot(1, PAYING, events=[told], **user), events=["*"], **settings)
    assert bool(merged.events) is passes


def test_the_visitor_of_the_message_counts_for_its_events() -> None:
    told = change(1, user=NOBODY, segments=(PAYING,), events=(SIGNED_UP,), anonymous_id="v-1")
    (waiting,) = first(told, events=["*"], anonymous_events=True).events
    assert waiting.anonymous_id == "v-1"


@pytest.mark.parametrize(
    "told",
    [
        change(1, segments=(PAYING,), whole=True, anonymous_id="v-1"),
        snapshot(1, PAYING, events=[event(anonymous_id="v-1")]),
    ],
    ids=["of the message", "of an event"],
)
def test_a_visitor_is_remembered_by_later_silent_messages(told: Change) -> None:
    assert sent_of([told, snapshot(2, PAYING)], rules(anonymous_events=True))["anonymous_id"] == "v-1"


# --- deleted by upstream ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "standing"),
    [
        ({}, AudienceStatus.DELETED),
        ({"on_exit": "clear"}, AudienceStatus.DELETED),
        ({"segments": ["*"]}, AudienceStatus.DELETED),
        ({"mode": "update"}, AudienceStatus.CLEARED),
    ],
)
def test_whom_upstream_deletes_goes_whatever_on_exit_says(settings: dict[str, Any], standing: AudienceStatus) -> None:
    facts = after([snapshot(1, PAYING, plan="pro"), change(2, user={}, deleted=True)], rules(**settings))
    found = desired(facts, rules(**settings))
    assert (found.standing, found.person) == (standing, None)
    assert found.gone == ((ident("1001"),) if standing is AudienceStatus.DELETED else ())


def test_who_comes_back_after_a_deletion_starts_afresh() -> None:
    told = [snapshot(1, PAYING, plan="pro"), change(2, user={}, deleted=True)]
    assert sent_of([*told, change(3, segments=(PAYING,))], rules(attributes=["plan"], segment_attribute="")) == {}


def test_a_deletion_of_somebody_unknown_is_remembered_for_what_comes_late() -> None:
    told = [change(2, user={}, deleted=True), snapshot(1, PAYING, plan="pro")]
    assert desired(after(told, rules()), rules()).person is None
