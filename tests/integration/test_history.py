"""What happened to a person, and which requests they were in, on SQLite and on PostgreSQL."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from connector.admin import request_log
from connector.admin.person import gather
from connector.admin.person.as_json import as_json as shown
from connector.admin.person.calls import CallAbout, as_json
from connector.cli import commands
from connector.errors import ConnectorError
from connector.store.engine import Store
from connector.store.request_log import CallFilter
from tests.build_settings import values, write
from tests.simulated import Simulated
from tests.world import World, event, message

EMAIL = "ada@example.com"
MakeWorld = Callable[..., World]


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Nobody's body is kept."""
    return make_world(sync={"attributes": ["plan", "email"]}, retention={"call_bodies": "none"})


def calls(world: World, user: str, **which: Any) -> list[CallAbout]:
    return request_log.find_about(world.runtime, user, CallFilter(**which), 0.0, 50)


def theirs(world: World, user: str) -> list[list[dict[str, Any]]]:
    """Their parts of each call about them, the first call first."""
    return [as_json(each)["theirs"] for each in reversed(calls(world, user))]


def history(world: World, user: str, entries: int = 100) -> list[dict[str, Any]]:
    """What happened to somebody in the only sync, the first first, without times and ids."""
    [found] = shown(gather.gather(world.runtime, user, entries=entries))["syncs"]
    return [
        {name: value for name, value in each.items() if name not in ("at", "call")}
        for each in reversed(found["history"])
    ]


def said(decision: str, standing: str | None, messages: int = 1, events: int = 0) -> dict[str, Any]:
    came_to = {"decision": decision, "standing": standing}
    return {"what": "said", "messages": messages, "events": events, **came_to}


def part(*did: str, first: int = 0, items: int = 1, answer: str = "taken") -> dict[str, Any]:
    return {"first": first, "items": items, "did": list(did), "answer": answer}


# --- the calls about a person ----------------------------------------------------------------------------------------


def test_a_call_knows_which_of_its_items_are_whose(world: World) -> None:
    world.run(*(message(user, 1) for user in ("u1", "u2", "u3")))
    world.take(
        message("u1", 2, plan="a"),
        message("u2", 2, event("Signed up", "1"), event("Signed up", "2"), plan="b"),
        message("u3", 2, plan="c"),
    )
    world.settle()

    assert theirs(world, "u1")[1:] == [[part("identify")]]
    assert theirs(world, "u2")[1:] == [[part("identify", "event", first=1, items=3)]]
    assert theirs(world, "u3")[1:] == [[part("identify", first=4)]]


@pytest.mark.parametrize("name", ["u1", "id-u1", EMAIL, EMAIL.upper()])
def test_calls_about_a_person_are_found_by_any_of_their_names(world: World, name: str) -> None:
    world.run(message("u1", 1, external_id="id-u1", email=EMAIL), message("u2", 1, external_id="id-u2"))
    [one] = calls(world, name)
    assert one.logged.call.status == 200
    [other] = calls(world, "u2")
    assert one.logged.id != other.logged.id


def test_a_refused_item_is_told_from_its_neighbours(world: World, simulator: Simulated) -> None:
    world.run(message("u1", 1), message("u2", 1))
    simulator.go_wrong({"path": "/api/v2/batch", "items": "u1"})
    world.take(message("u1", 2, plan="gold"), message("u2", 2, plan="silver"))
    world.settle()
    assert theirs(world, "u1")[1] == [part("identify", answer="refused")]
    assert theirs(world, "u2")[1] == [part("identify", first=1)]


def test_who_was_in_a_request_without_an_answer_has_that_too(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"status": 503, "times": 1})
    world.run(message("u1", 1))
    assert theirs(world, "u1") == [[part("identify", answer="not known, tried again")], [part("identify")]]
    assert [each.logged.call.status for each in calls(world, "u1")] == [200, 503]
    assert [each.logged.call.status for each in calls(world, "u1", failed=True)] == [503]


def test_a_call_about_a_person_comes_with_its_reply(make_world: MakeWorld, simulator: Simulated) -> None:
    world = make_world(retention={"call_bodies": "failed"})
    simulator.go_wrong({"status": 503, "body": "come later", "times": 1})
    world.run(message("u1", 1))
    assert [each.logged.call.reply for each in calls(world, "u1")] == [None, "come later"]


def test_calls_about_several_users_of_one_name_are_not_mixed(world: World) -> None:
    world.take(message("u1", 1, email=EMAIL, external_id=...), message("u2", 1, email=EMAIL, external_id=...))
    with pytest.raises(ConnectorError, match="may be any of 2 users"):
        calls(world, EMAIL)


def test_a_call_is_told_of_a_person_by_its_body_where_no_history_is_kept(make_world: MakeWorld) -> None:
    world = make_world(retention={"call_bodies": "all", "history_days": 0.0})
    world.run(message("u1", 1), message("u2", 1))
    assert calls(world, "u1") == []
    [found] = shown(gather.gather(world.runtime, "u1"))["syncs"]
    assert [each["theirs"] for each in found["calls"]] == [[]]


# --- the history of a person -----------------------------------------------------------------------------------------


def test_what_was_said_decided_sent_and_answered_is_a_timeline(world: World) -> None:
    world.take(message("u1", 1, plan="a"), message("u1", 2, event("Signed up", "1"), plan="b"))
    world.settle()
    world.take(message("u1", 2, event("Signed up", "1"), plan="b"))
    world.run(message("u1", 3, segments=[]))

    assert history(world, "u1") == [
        said("due", "in the audience", messages=2, events=1),
        {"what": "sent", **part("identify")},
        {"what": "sent", **part("event")},
        said("nothing new", None),
        said("due", "left the audience: deleted"),
        {"what": "sent", **part("delete")},
    ]
    assert history(world, "u1", entries=1) == [{"what": "sent", **part("delete")}]


def test_somebody_outside_and_somebody_who_waits_have_a_history(world: World) -> None:
    world.run(message("u1", 1, external_id="1001"), message("u2", 1, external_id="1001"))
    world.run(message("u3", 1, segments=[]))
    waits = "waits for an identifier that another user holds"
    assert history(world, "u2") == [said(waits, None)]
    assert history(world, "u3") == [said("nothing to send", "not in a whitelisted segment")]


def test_a_deletion_that_is_held_back_stands_in_the_history(make_world: MakeWorld) -> None:
    world = make_world(sync={"deletion_guard": {"share": 0.1, "at_least": 1}})
    world.take(*(message(f"u{number}", 1) for number in range(4)))
    world.settle()
    world.take(*(message(f"u{number}", 2, segments=[]) for number in range(4)))
    world.settle()
    assert history(world, "u1")[-1] == {"what": "held"}


def test_no_history_is_kept_where_the_settings_say_so(make_world: MakeWorld) -> None:
    world = make_world(retention={"history_days": 0.0})
    world.run(message("u1", 1, plan="a"))
    assert history(world, "u1") == []


def test_history_holds_no_data_of_the_person(world: World) -> None:
    world.run(message("u1", 1, plan="very-private-plan", email=EMAIL, external_id="1001"))
    with world.store.reading() as tx:
        kept = str(tx.execute(text("SELECT * FROM history")).all())
    assert "u1" in kept
    assert [each for each in ("very-private", EMAIL, "1001") if each in kept] == []


# --- the commands ----------------------------------------------------------------------------------------------------


@pytest.fixture
def command(store: Store, store_url: str, simulator: Simulated, tmp_path: Path) -> Callable[..., str]:
    """Runs a command over the store of the test; what it printed."""
    environ = write(tmp_path, values(store=store_url, track_url=simulator.url))

    def run(*arguments: str) -> str:
        ended = CliRunner().invoke(commands.app, arguments, env=environ)
        assert ended.exit_code == 0, f"{ended.output}{ended.exception or ''}"
        return ended.output

    return run


def test_the_commands_show_calls_about_a_person_and_their_history(world: World, command: Callable[..., str]) -> None:
    world.run(message("u1", 1, plan="a", external_id="id-u1"), message("u2", 1))
    [call] = map(json.loads, command("calls", "--person", "id-u1", "--json").splitlines())
    assert (call["status"], call["theirs"]) == (200, [part("identify")])
    assert call["id"] in command("calls", "--person", "u1")
    assert f"call {call['id']}" in command("show", "u1")
    history = command("show", "u1", "--history")
    assert "said: 1 message: due, in the audience" in history
    assert f"sent: identify: taken (item 0 of call {call['id']})" in history
    assert "said: 1 message" not in command("show", "u1")
