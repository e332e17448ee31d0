"""What messages would lead to, with nothing stored and nothing sent."""

import json
from typing import Any

import pytest

from connector.admin.preview import preview
from connector.admin.preview.preview import Preview, Previewer
from connector.errors import UnreadableError
from connector.model.change import Change, Unreadable
from tests.build import OCTOBER, PAYING, STAFF, change, event, moved, rules, said, snapshot

INSIDE = snapshot(1, PAYING, plan="pro", email="user-1@example.com")
GONE = snapshot(2, STAFF)
RENAMED = snapshot(2, PAYING, external_id="1002", plan="pro")
KNOWN = {"user": "u-1", "identifier": "1001", "attributes": {"plan": "pro", "hull_segment": ["paying"]}}


def previews(*messages: Change | Unreadable, known: list[Any] | None = None, **settings: Any) -> list[Preview]:
    previewer = Previewer((rules(**settings),))
    previewer.know(known or [])
    return list(previewer.preview(messages))


def done(one: Preview) -> list[str]:
    return [each.get("action", "invite") for each in one.operations]


@pytest.mark.parametrize(
    ("messages", "settings", "decision", "reason", "operations"),
    [
        ([INSIDE], {}, "sync", "in the audience", ["identify"]),
        ([snapshot(1, STAFF)], {}, "skip", "not in a whitelisted segment", []),
        ([INSIDE], {"segments": []}, "skip", "not in a whitelisted segment", []),
        ([snapshot(1, PAYING, external_id=None)], {}, "skip", "no identifier", []),
        ([snapshot(1, PAYING)], {"require_email": True}, "skip", "no e-mail", []),
        ([INSIDE, snapshot(2, PAYING, plan="team")], {}, "sync", "in the audience", ["identify"]),
        ([INSIDE, INSIDE], {}, "skip", preview.UNCHANGED, []),
        ([INSIDE, snapshot(0, PAYING, plan="old")], {}, "skip", preview.STALE, []),
        ([INSIDE, GONE], {}, "exit", "left the audience: kept as last sent", []),
        ([INSIDE, GONE], {"on_exit": "clear"}, "exit", "left the audience: attributes cleared", ["identify"]),
        ([INSIDE, GONE], {"on_exit": "delete"}, "exit", "left the audience: deleted", ["delete"]),
        ([INSIDE, moved(2, left=[PAYING])], {"on_exit": "delete"}, "exit", "left the audience: deleted", ["delete"]),
        (
            [INSIDE, snapshot(2, STAFF), snapshot(3, STAFF)],
            {"on_exit": "delete"},
            "skip",
            "left the audience: deleted",
            [],
        ),
        (
            [INSIDE, snapshot(2, STAFF), snapshot(3, PAYING)],
            {"on_exit": "delete"},
            "sync",
            "in the audience",
            ["identify"],
        ),
        ([INSIDE, RENAMED], {}, "sync", "in the audience", ["identify", "merge"]),
        (
            [INSIDE, snapshot(2, PAYING, external_id="1002")],
            {"on_identifier_change": "replace"},
            "sync",
            "in the audience",
            ["delete", "identify"],
        ),
    ],
)  # fmt: skip
def test_what_the_last_of_some_messages_leads_to(
    messages: list[Change], settings: dict[str, Any], decision: str, reason: str, operations: list[str]
) -> None:
    last = previews(*messages, **settings)[-1]
    assert (last.decision, last.reason, done(last)) == (decision, reason, operations)


@pytest.mark.parametrize(
    ("message", "settings", "decision", "operations"),
    [
        (INSIDE, {}, "skip", []),
        (snapshot(1, PAYING, plan="team"), {}, "sync", ["identify"]),
        (snapshot(1, PAYING), {}, "sync", ["identify"]),
        (snapshot(1, STAFF), {}, "exit", []),
        (snapshot(1, STAFF), {"on_exit": "delete"}, "exit", ["delete"]),
        (snapshot(1, STAFF), {"on_exit": "clear"}, "exit", ["identify"]),
        (RENAMED, {}, "sync", ["identify", "merge"]),
        (RENAMED, {"on_identifier_change": "keep"}, "skip", []),
    ],
)
def test_people_known_count_as_delivered(
    message: Change, settings: dict[str, Any], decision: str, operations: list[str]
) -> None:
    (one,) = previews(message, known=[KNOWN], **settings)
    assert (one.decision, done(one)) == (decision, operations)


def test_a_deletion_addresses_the_known_identifier() -> None:
    (one,) = previews(snapshot(1, STAFF, external_id=None), known=[KNOWN], on_exit="delete")
    assert one.operations == ({"type": "person", "identifiers": {"id": "1001"}, "action": "delete"},)


@pytest.mark.parametrize(
    ("identifier", "sent"),
    [("1001", {"id": "1001"}), (1001, {"id": "1001"}), ({"cio_id": "a1"}, {"cio_id": "a1"})],
)
def test_a_known_identifier_may_name_its_type(identifier: Any, sent: dict[str, str]) -> None:
    (one,) = previews(snapshot(1, STAFF), known=[{**KNOWN, "identifier": identifier}], on_exit="delete")
    assert one.operations[0]["identifiers"] == sent


@pytest.mark.parametrize(
    "row",
    [
        "u-1",
        None,
        {},
        {"user": "u-1"},
        {"identifier": "1001"},
        {"user": None, "identifier": "1001"},
        {"user": "u-1", "identifier": None},
        {"user": "u-1", "identifier": ["1001"]},
        {"user": "u-1", "identifier": {"id": "1", "email": "2"}},
        {**KNOWN, "attributes": [1]},
        {**KNOWN, "attributes": "plan"},
    ],
)
def test_a_known_person_of_another_form_is_refused(row: Any) -> None:
    with pytest.raises(UnreadableError, match="a known person is"):
        previews(known=[row])


def test_events_follow_the_identify_in_the_order_in_which_they_happened() -> None:
    late, early = event(id="e-1", occurred_at=OCTOBER + 9), event("Left", "e-2")
    (one,) = previews(snapshot(1, PAYING, events=[late, early]), events=["*"])
    assert done(one) == ["identify", "event", "event"]
    assert [each.get("name") for each in one.operations] == [None, "Left", "Signed up"]


def test_an_event_told_again_is_not_sent_again() -> None:
    message = snapshot(1, PAYING, events=[event()])
    first, second = previews(message, message, events=["*"])
    assert done(first) == ["identify", "event"]
    assert (second.operations, second.skipped_events) == ((), (("Signed up", preview.REPEATED),))


def test_skipped_events_have_their_reason() -> None:
    (one,) = previews(snapshot(1, PAYING, events=[event()]))
    assert one.skipped_events == (("Signed up", "not in the list of events"),)


def test_anonymous_events_alone_are_said_to_be_so() -> None:
    message = snapshot(1, PAYING, events=[event(anonymous_id="v-1")], external_id=None)
    (one,) = previews(message, events=["*"], anonymous_events=True)
    assert (one.decision, one.reason) == ("sync", "anonymous events only: no identifier")
    assert one.operations[0]["anonymous_id"] == "v-1"


def test_an_unreadable_message_is_one_preview_of_no_sync() -> None:
    (one,) = previews(Unreadable("the message is not an object", 5))
    assert (one.user, one.sync, one.decision) == (None, None, "skip")
    assert one.reason == "unreadable: the message is not an object"
    assert [problem.kind for problem in one.problems] == ["unreadable"]


def test_each_sync_has_its_own_preview_and_its_own_memory() -> None:
    both = (rules(name="paying"), rules(name="staff", segments=["Staff"]))
    found = list(Previewer(both).preview([INSIDE, snapshot(2, PAYING, STAFF, plan="pro")]))
    assert [(each.sync, each.decision) for each in found] == [
        ("paying", "sync"), ("staff", "skip"), ("paying", "sync"), ("staff", "sync"),
    ]  # fmt: skip


def test_people_are_known_to_every_sync() -> None:
    previewer = Previewer((rules(name="one"), rules(name="two")))
    previewer.know([KNOWN])
    assert [each.decision for each in previewer.preview([INSIDE])] == ["skip", "skip"]


def test_users_do_not_get_in_each_others_way() -> None:
    other = change(1, "u-2", segments=(PAYING,), user={"external_id": "1002"})
    found = previews(change(1, "u-1", segments=(PAYING,)), other, said(2))
    assert [(each.user, each.decision) for each in found] == [("u-1", "sync"), ("u-2", "sync"), ("u-1", "skip")]


def test_two_users_with_one_identifier_are_shown_as_the_problem_that_they_are() -> None:
    first, second = previews(change(1, "u-1", segments=(PAYING,)), change(1, "u-2", segments=(PAYING,)))
    assert done(first) == ["identify"]
    assert (second.decision, second.reason, done(second)) == ("skip", preview.CONFLICT, [])
    assert [(each.kind, each.reason) for each in second.problems] == [
        ("conflict", "id:1001 is the identifier of the user 'u-1' too: this one is not sent")
    ]


def test_the_json_form_is_stable() -> None:
    message = snapshot(1, PAYING, events=[event()], plan="x" * 1001)
    (one,) = previews(message)
    assert json.loads(json.dumps(one.as_json())) == {
        "user": "u-1",
        "sync": "main",
        "decision": "sync",
        "reason": "in the audience",
        "operations": [
            {
                "type": "person",
                "identifiers": {"id": "1001"},
                "action": "identify",
                "attributes": {"hull_segment": ["paying"]},
            }
        ],
        "skipped_events": [{"name": "Signed up", "reason": "not in the list of events"}],
        "problems": [{"kind": "attribute", "reason": "attribute 'plan' exceeds 1000 bytes: it is left out"}],
    }


@pytest.mark.parametrize(
    ("feedback", "decision", "reason", "operations"),
    [
        ({"no_events_for": ["unsubscribed"]}, "sync", "in the audience", ["identify"]),
        ({"not_recreated": ["unsubscribed"]}, "skip", "they unsubscribed in Customer.io", []),
        ({"not_recreated": ["bounced"]}, "sync", "in the audience", ["identify", "event"]),
    ],
)
def test_what_customerio_reported_of_a_known_person_is_heeded(
    feedback: dict[str, Any], decision: str, reason: str, operations: list[str]
) -> None:
    known = [{**KNOWN, "reported": ["unsubscribed"]}]
    told = snapshot(1, PAYING, plan="team", events=[event()])
    [found] = previews(told, known=known, feedback=feedback, events=["Signed up"])
    assert (found.decision, found.reason, done(found)) == (decision, reason, operations)
    kept_back = [] if "event" in operations else [("Signed up", "they unsubscribed in Customer.io")]
    assert list(found.skipped_events) == kept_back


def test_a_mark_that_is_none_is_refused() -> None:
    with pytest.raises(UnreadableError, match="no list of unsubscribed, suppressed, bounced, spammed"):
        previews(known=[{**KNOWN, "reported": ["gone"]}])
