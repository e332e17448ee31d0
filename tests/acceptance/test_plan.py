"""`connector plan`: exactly what would go on the wire, for each kind of decision."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Ended, bare_environment, connector

Json = dict[str, Any]

SETTINGS = """
[connections.main]

[syncs.main]
connection = "main"
segments = ["Paying"]
attributes = ["email", "plan", { from = "clearbit/employees", to = "employees" }]
events = ["Signed up", "page"]
"""
KEYS = {"user", "sync", "decision", "reason", "operations", "skipped_events", "problems"}
PAYING = {"id": "s-1", "name": "Paying"}
WHO = {"type": "person", "identifiers": {"id": "1001"}}
# Each event has the same id whenever it is planned: it is derived from the user, upstream's id and the time.
SIGNED_UP_ID, PAGE_ID = "01M1E34QM0VQ8XBBJ6C3PC8AGC", "01M1E4VNE0GH7JFY8HR8PYXSXR"
KNOWN = {
    "user": "u-1",
    "identifier": "1001",
    "attributes": {"email": "one@example.com", "plan": "pro", "hull_segment": ["paying"]},
}


@pytest.fixture
def plan(tmp_path: Path):
    """Plans messages and gives the rows; a message that is no object is written as it is."""
    (tmp_path / "settings.toml").write_text(SETTINGS)

    def planned(*messages: Any, format: str = "hull", known: Any = None, arguments: tuple[str, ...] = (), **sync: str):
        file = tmp_path / "messages.ndjson"
        file.write_text("".join(f"{m if isinstance(m, str) else json.dumps(m)}\n" for m in messages))
        environ = bare_environment() | {f"CONNECTOR__SYNCS__MAIN__{name.upper()}": text for name, text in sync.items()}
        if known is not None:
            (tmp_path / "known.json").write_text(json.dumps(known))
            arguments += ("--known", "known.json")
        command = ("plan", file.name, "--settings", "settings.toml", "--format", format, *arguments)
        return connector(*command, environ=environ, cwd=tmp_path)

    return planned


def rows(ended: Ended) -> list[Json]:
    assert (ended.code, ended.err) == (0, "")
    assert all(row.keys() == KEYS for row in ended.rows())
    return ended.rows()


def message(*segments: Json, events: tuple[Json, ...] = (), **user: Any) -> Json:
    said = {"id": "u-1", "external_id": "1001", "indexed_at": "2026-09-01T10:00:00Z", **user}
    return {"user": said, "segments": list(segments), "account": {}, "events": list(events)}


def paying(*events: Json, **user: Any) -> Json:
    return message(PAYING, events=events, **{"email": "one@example.com", "plan": "pro", **user})


def signed_up(**more: Any) -> Json:
    properties = {"source": "web"}
    return {
        "event_id": "e-1",
        "event": "Signed up",
        "created_at": "2026-09-01T09:00:00Z",
        "properties": properties,
        **more,
    }


def identify(**attributes: Any) -> Json:
    return {**WHO, "action": "identify", "attributes": attributes}


def row(decision: str, reason: str, *operations: Json, **more: Any) -> Json:
    found = {"user": "u-1", "sync": "main", "decision": decision, "reason": reason, "operations": list(operations)}
    return {**found, "skipped_events": [], "problems": [], **more}


WHOLE = identify(email="one@example.com", plan="pro", hull_segment=["paying"])
SIGNED_UP = {**WHO, "action": "event", "name": "Signed up", "id": SIGNED_UP_ID, "timestamp": 1788253200}
SIGNED_UP_WIRE = {**SIGNED_UP, "attributes": {"source": "web"}}


def test_who_enters_is_identified_and_then_has_events(plan) -> None:
    page = {
        "event_id": "e-3",
        "event": "page",
        "created_at": "2026-09-01 09:30:00 UTC",
        "context": {"page": {"url": "https://example.com/p"}, "referrer": {"url": "https://example.org/"}},
    }
    advert = signed_up(event_id="e-2", event="Clicked ad")
    found = rows(plan(paying(signed_up(), advert, page, clearbit={"employees": 12}), arguments=("--json",)))
    viewed = {**WHO, "action": "page", "name": "https://example.com/p", "id": PAGE_ID, "timestamp": 1788255000}
    assert found == [
        row(
            "sync",
            "in the audience",
            identify(email="one@example.com", plan="pro", employees=12, hull_segment=["paying"]),
            SIGNED_UP_WIRE,
            {**viewed, "attributes": {"referrer": "https://example.org/"}},
            skipped_events=[{"name": "Clicked ad", "reason": "not in the list of events"}],
        )
    ]


def test_what_is_known_decides_what_is_sent(plan) -> None:
    told = [paying(), paying(plan=None, indexed_at="2026-09-02T10:00:00Z"), paying(signed_up())]
    cleared = identify(email="one@example.com", plan=None, hull_segment=["paying"])
    assert rows(plan(*told, known=[KNOWN], arguments=("--json",))) == [
        row("skip", "unchanged: Customer.io holds it already"),
        row("sync", "in the audience", cleared),
        row("sync", "in the audience", SIGNED_UP_WIRE),  # its attributes are older than what is known
    ]


@pytest.mark.parametrize(
    ("on_exit", "reason", "operations"),
    [
        ("delete", "left the audience: deleted", [{**WHO, "action": "delete"}]),
        ("keep", "left the audience: kept as last sent", []),
        ("clear", "left the audience: attributes cleared", [identify(email=None, hull_segment=None, plan=None)]),
    ],
)
def test_who_leaves(plan, on_exit: str, reason: str, operations: list[Json]) -> None:
    known = [KNOWN | {"identifier": {"id": "1001"}}]
    found = rows(plan(message(), message(), known=known, arguments=("--json",), on_exit=on_exit))
    assert found == [row("exit", reason, *operations), row("skip", reason)]


def test_who_was_never_there_is_skipped(plan) -> None:
    found = rows(plan(message(events=(signed_up(),)), arguments=("--json",), on_exit="delete"))
    skipped = [{"name": "Signed up", "reason": "the user is not in the audience"}]
    assert found == [row("skip", "not in a whitelisted segment", skipped_events=skipped)]


def test_without_an_identifier_nobody_is_sent(plan) -> None:
    skipped = [{"name": "Signed up", "reason": "the user has no identifier"}]
    found = rows(plan(paying(signed_up(), external_id=None), arguments=("--json",)))
    assert found == [row("skip", "no identifier", skipped_events=skipped)]


def test_anonymous_events_go_out_where_they_may(plan) -> None:
    visit = paying(signed_up(anonymous_id="visitor-1"), external_id=None)
    found = rows(plan(visit, arguments=("--json",), anonymous_events="true"))
    same = {key: SIGNED_UP_WIRE[key] for key in ("name", "id", "timestamp")}
    wire = {**same, "data": SIGNED_UP_WIRE["attributes"], "anonymous_id": "visitor-1"}
    assert found == [row("sync", "anonymous events only: no identifier", wire)]


def test_unreadable_messages_stand_beside_the_others(plan) -> None:
    found = rows(plan(paying(), {"user": {"id": "u-4"}}, "not json", arguments=("--json",)))
    assert found[0]["decision"] == "sync"
    for each in found[1:]:
        reason = each["problems"][0]["reason"]
        problems = [{"kind": "unreadable", "reason": reason}]
        assert each == row("skip", f"unreadable: {reason}", user=None, sync=None, problems=problems)
    assert found[1]["problems"][0]["reason"] == "line 2: the message does not say which segments the user is in"
    assert "not JSON" in found[2]["problems"][0]["reason"]


def test_too_large_a_value_is_a_problem_of_its_own(plan) -> None:
    (found,) = rows(plan(paying(plan="é" * 501), arguments=("--json",)))
    assert found["operations"] == [identify(email="one@example.com", hull_segment=["paying"])]
    reason = "attribute 'plan' exceeds 1000 bytes: it is left out"
    assert found["problems"] == [{"kind": "attribute", "reason": reason}]


def test_native_form(plan) -> None:
    user = {"id": "u-1", "external_id": "1001", "plan": "pro"}
    event = {"id": "e-1", "name": "Signed up", "time": "2026-09-01T09:00:00Z", "properties": {"source": "web"}}
    told = [
        {"user": user, "segments": ["Paying"], "events": [event], "version": 1},
        {"user": {"id": "u-1", "plan": None}, "version": 2},
        {"user": {"id": "u-1"}, "left": ["Paying"], "version": 3},
        {"user": {"id": "u-1"}, "evnts": []},
    ]
    found = rows(plan(*told, format="native", arguments=("--json",), on_exit="delete"))
    assert found[:3] == [
        row("sync", "in the audience", identify(plan="pro", hull_segment=["paying"]), SIGNED_UP_WIRE),
        row("sync", "in the audience", identify(plan=None, hull_segment=["paying"])),
        row("exit", "left the audience: deleted", {**WHO, "action": "delete"}),
    ]
    assert found[3]["reason"] == 'unreadable: line 4: the message has an unknown field "evnts": is "events" meant?'


def test_table_for_people(plan) -> None:
    found = plan(paying(signed_up(), signed_up(event_id="e-2")), message(id="u-2"))
    assert found.code == 0
    assert "identify, 2 event" in found.out
    assert "not in a whitelisted segment" in found.out
    assert found.err.strip() == "1 skip, 1 sync"


@pytest.mark.parametrize("name", ["[/u]", "[bold]u"])
def test_names_with_brackets_are_shown_as_they_are(plan, name: str) -> None:
    found = plan(paying(id=name))
    assert found.code == 0
    assert name in found.out


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("--format", "xml"), 2, "--format: 'xml' is not accepted; give one of hull, native"),
        (("--known", "none.json"), 1, "none.json: cannot be read as JSON"),
    ],
)
def test_what_cannot_be_planned_is_a_line(plan, arguments: tuple[str, ...], code: int, line: str) -> None:
    found = plan(paying(), arguments=arguments)
    assert (found.code, found.out) == (code, "")
    assert found.err.startswith(line)
    assert len(found.err.splitlines()) == 1


def test_it_explains_in_words_why_each_thing_is_sent_or_not(plan: Any) -> None:
    clicked = {"event": "Clicked", "event_id": "e-9", "created_at": "2026-09-01T10:00:00Z"}
    told = message(PAYING, plan="pro", shoe_size=38, events=(clicked,))
    shown = plan(told, arguments=("--explain",))
    (row,) = plan(told, arguments=("--explain", "--json")).rows()

    assert (shown.code, shown.err) == (0, "")
    assert "u-1 in main: sync (in the audience)" in shown.out
    assert {"kind": "attribute", "name": "plan", "outcome": "sent: pro", "reason": "new"} in row["explanation"]
    outcomes = {(line["kind"], line["name"]): line["outcome"] for line in row["explanation"]}
    assert (
        outcomes["attribute", "email"]
        == outcomes["event", "Clicked"]
        == outcomes["fields", "id, indexed_at, shoe_size"]
    )
    assert {line["kind"] for line in row["explanation"]} == {
        "audience", "identifier", "attribute", "fields", "event", "operation",
    }  # fmt: skip
