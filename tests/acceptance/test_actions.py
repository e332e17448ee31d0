"""Actions as people use them: checked, planned with the reasons, and at work behind the door for calls."""

import json
from pathlib import Path

import httpx
import pytest

from tests.processes import TOKEN, bare_environment, connector, environment, people, running, until

SETTINGS = """
[connections.main]

[syncs.main]
connection = "main"
segments = ["Paying"]
identifier = "id"
attributes = ["email", "plan"]
events = ["Purchase"]
deletion_guard = { share = 1.0 }

[[syncs.main.actions]]
when = { event = "Order Completed", where = [{ field = "properties.first", is = true }] }
do = "enter_segment"
map = { segment = { value = "Paying" } }

[[syncs.main.actions]]
when = { event = "Order Completed" }
do = "track"
map = { name = { value = "Purchase" } }
"""
CALL = {
    "type": "track",
    "messageId": "message-1",
    "userId": "user-1",
    "event": "Order Completed",
    "properties": {"first": True},
    "context": {"traits": {"plan": "pro"}},
}


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(SETTINGS)
    return path


def test_a_call_does_what_the_actions_say(tmp_path: Path, settings: Path, customerio: str) -> None:
    environ = environment(tmp_path, customerio, settings)
    with running("run", environ=environ, output=tmp_path / "run.log") as process:
        answer = httpx.post(f"{process.url}/v1/segment", json=CALL, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.json() == {"changes": 1, "unreadable": 0, "skipped": 0}
        (person,) = until(lambda: [each for each in people(customerio) if each["events"]], "the purchase")
    assert (person["identifiers"]["id"], person["attributes"]["plan"]) == ("user-1", "pro")
    assert [event["name"] for event in person["events"]] == ["Purchase"]


def test_plan_says_which_action_took_a_call(tmp_path: Path, settings: Path) -> None:
    file = tmp_path / "calls.ndjson"
    file.write_text(json.dumps(CALL))
    command = ("plan", file, "--settings", settings, "--format", "segment", "--explain", "--json")
    (row,) = connector(*command, environ=bare_environment()).rows()

    assert [operation.get("name") for operation in row["operations"]] == [None, "Purchase"]
    lines = [(line["name"], line["outcome"]) for line in row["explanation"] if line["kind"] == "action"]
    assert lines == [
        ("actions[0]: enter_segment", "done"),
        ("actions[1]: track", "done"),
        ("the default for track", "passed over"),
    ]


def test_check_warns_of_what_can_hardly_be_meant(tmp_path: Path, settings: Path, customerio: str) -> None:
    settings.write_text(SETTINGS.replace('events = ["Purchase"]', 'events = ["Order Completed"]'))
    ended = connector("check", environ=environment(tmp_path, customerio, settings))
    assert ended.code == 0
    warnings = [" ".join(line.split()) for line in ended.out.splitlines() if line.startswith("warning")]
    assert warnings == ["warning syncs.main: actions[1]: `events` does not name 'Purchase': it is not sent"]


def test_check_names_each_mistake(settings: Path) -> None:
    wrong = SETTINGS.replace("enter_segment", "enter_segmnt")
    settings.write_text(wrong.replace("map = { name = ", "map = { nme = "))
    ended = connector("check", "--settings", settings, environ=bare_environment())
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        f"{settings}: syncs.main.actions[0].do: 'enter_segmnt' is not accepted; did you mean enter_segment?",
        f"{settings}: syncs.main.actions[1].map: 'nme' is no field of do = 'track'; did you mean name?",
    ]
