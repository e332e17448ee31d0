"""`connector plan --explain`: why each thing is sent or not."""

from dataclasses import replace
from typing import Any

import pytest

from connector import formats
from connector.admin.preview.explain import Explanation
from connector.admin.preview.preview import Previewer
from connector.model.change import Change
from tests.build import PAYING, STAFF, event, rules, said, snapshot

ATTRIBUTES = ("plan", "city")


def explained(*told: Change, **settings: Any) -> list[Explanation]:
    """The explanation of the last of these messages."""
    previewer = Previewer((rules(**{"attributes": ATTRIBUTES, "events": ["Signed up"], **settings}),), explained=True)
    return list(list(previewer.preview(told))[-1].explanation)


def of(kind: str, lines: list[Explanation]) -> list[tuple[str, str, str]]:
    return [(line.name, line.outcome, line.reason) for line in lines if line.kind == kind]


def test_a_new_person_is_explained_thing_by_thing() -> None:
    signed_up, clicked = event(), event("Clicked", "e-2")
    lines = explained(snapshot(1, PAYING, events=[signed_up, clicked], plan="pro", shoe_size=38))

    assert of("audience", lines) == [("Paying", "in", "`segments` names it")]
    assert of("identifier", lines) == [("id", "1001", "from the field that `identifier` names")]
    assert of("attribute", lines) == [
        ("city", "not sent", "upstream has said nothing of it"),
        ("hull_segment", "sent: paying", "new"),
        ("plan", "sent: pro", "new"),
    ]
    assert of("fields", lines) == [("shoe_size", "not sent", "`attributes` does not name them")]
    assert [(name, outcome) for name, outcome, _ in of("event", lines)] == [
        ("Signed up", "sent"),
        ("Clicked", "not sent"),
    ]
    assert [name for name, _, _ in of("operation", lines)] == ["identify", "event"]


def test_a_change_says_what_changed_and_what_goes_with_it() -> None:
    lines = explained(snapshot(1, PAYING, plan="pro", city="x"), said(2, plan="team"))

    assert of("attribute", lines) == [
        ("city", "sent: x", "it goes with the whole person, unchanged"),
        ("hull_segment", "sent: paying", "it goes with the whole person, unchanged"),
        ("plan", "sent: team", "it has changed"),
    ]


def test_what_customer_io_holds_is_not_sent() -> None:
    lines = explained(snapshot(1, PAYING, plan="pro"), snapshot(2, PAYING, plan="pro"))

    assert ("plan", "not sent", "Customer.io holds it already") in of("attribute", lines)
    assert of("operation", lines) == []


@pytest.mark.parametrize(
    ("told", "outcome", "reason"),
    [
        (snapshot(2, PAYING), "cleared", "it is empty, gone from a whole message, or not to be sent any more"),
        (said(2, plan=None), "cleared", "it is empty, gone from a whole message, or not to be sent any more"),
        (said(2, plan="x" * 1001), "left out", "attribute 'plan' exceeds 1000 bytes: it is left out"),
        (snapshot(2, STAFF, plan="team"), "not sent", "left the audience: kept as last sent"),
    ],
    ids=["gone", "null", "too long", "left"],
)
def test_why_an_attribute_is_not_there(told: Change, outcome: str, reason: str) -> None:
    lines = explained(snapshot(1, PAYING, plan="pro"), told)
    assert ("plan", outcome, reason) in of("attribute", lines)


@pytest.mark.parametrize(
    ("told", "settings", "line"),
    [
        (snapshot(1, STAFF), {}, ("Staff", "out", "`segments` names none of these")),
        (snapshot(1), {}, ("none", "out", "`segments` names none of these")),
        (said(1, plan="pro"), {}, ("", "out", "no message has said yet which segments the user is in")),
        (snapshot(1), {"segments": ["*"]}, ("*", "in", "everybody is")),
    ],
)
def test_who_is_in_the_audience_and_why(told: Change, settings: dict[str, Any], line: tuple[str, str, str]) -> None:
    assert of("audience", explained(told, **settings)) == [line]


@pytest.mark.parametrize(
    ("told", "settings", "outcome"),
    [
        (snapshot(1, PAYING, external_id=None), {}, "the field that `identifier` names holds none"),
        (snapshot(1, PAYING), {"require_email": True}, "`require_email`: there is no e-mail address"),
    ],
)
def test_who_cannot_be_addressed_and_why(told: Change, settings: dict[str, Any], outcome: str) -> None:
    assert of("identifier", explained(told, **settings)) == [("id", "missing", outcome)]


TO_PAYING = {
    "when": {"event": "Bought", "where": [{"field": "properties.total", "exists": True}]},
    "do": "enter_segment",
    "map": {"segment": {"value": "Paying"}},
}
RENAMED = {"when": {"type": "track"}, "do": "track", "map": {"name": {"value": "Signed up"}}}
HEARTBEAT = {"when": {"event": "Heartbeat"}, "do": "ignore"}


def called(event: str, **properties: Any) -> Change:
    body = {"type": "track", "userId": "u-1", "event": event, "properties": properties}
    (change,) = formats.parse("segment", body)
    assert isinstance(change, Change)
    return change


def test_which_action_took_a_call_and_which_did_not_and_why() -> None:
    settings = {"identifier": "id", "actions": [HEARTBEAT, TO_PAYING, RENAMED]}

    assert of("action", explained(called("Bought", total=5), **settings)) == [
        ("actions[0]: ignore", "not meant", "it is for the event Heartbeat"),
        ("actions[1]: enter_segment", "done", "it is for track: Bought, where properties.total is there"),
        ("actions[2]: track", "done", "it is for track"),
        ("the default for track", "passed over", "an action of the sync's own does the same with this call"),
    ]
    assert of("action", explained(called("Bought"), **settings))[1] == (
        "actions[1]: enter_segment",
        "not meant",
        "it is for calls where properties.total is there",
    )


def test_a_call_that_is_ignored_is_explained_by_the_action_that_ignores_it() -> None:
    previewer = Previewer((rules(actions=[TO_PAYING, HEARTBEAT]),), explained=True)
    (preview,) = previewer.preview([called("Heartbeat")])
    assert (preview.decision, preview.reason, preview.operations) == ("skip", "actions[1] ignores the call", ())
    assert [line.outcome for line in preview.explanation] == ["not meant", "ignored"]


def test_without_actions_of_its_own_a_sync_says_nothing_of_actions() -> None:
    assert of("action", explained(called("Bought"))) == []


def test_nothing_is_explained_unless_asked_for() -> None:
    (preview,) = Previewer((rules(),)).preview([snapshot(1, PAYING, plan="pro")])
    assert preview.explanation == ()
    assert "explanation" not in preview.as_json()


def test_a_manual_segment_is_explained_as_it_fills_and_empties() -> None:
    settings = {"segments": ("Paying", "Staff"), "manual_segments": {"Paying": "Paying (synced)"}, "attributes": ()}
    came = explained(snapshot(1, PAYING), **settings)
    went = explained(snapshot(1, PAYING), snapshot(2, STAFF), **settings)

    assert of("manual segment", came) == [("Paying (synced)", "in", "the user is in 'Paying'")]
    assert [name for name, _, _ in of("operation", came)] == ["identify", "add_customers"]
    assert of("manual segment", went) == [("Paying (synced)", "taken out", "the user is not in 'Paying'")]
    assert "remove_customers" in [name for name, _, _ in of("operation", went)]


def test_a_deletion_is_explained_with_the_syncs_that_may_keep_the_person() -> None:
    alone = rules(attributes=ATTRIBUTES, on_exit="delete")
    told = [snapshot(1, PAYING, plan="pro"), snapshot(2, STAFF)]
    reasons = []
    for each in (alone, replace(alone, beside=("second",))):
        lines = list(Previewer((each,), explained=True).preview(told))[-1].explanation
        reasons += [reason for name, _, reason in of("operation", list(lines)) if name == "delete"]

    assert reasons[1] == f"{reasons[0]}; not if the sync second wants them in the same workspace: then they are let go"
