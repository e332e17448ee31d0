"""The door for agents, asked by the protocol's own client."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from connector.admin import operator_acts
from connector.cli import mcp as door
from connector.errors import SettingsError
from connector.intake import bodies, funnel_steps
from connector.store import jobs, problems, tallies
from tests.build_settings import values, write
from tests.processes import bare_environment
from tests.world import World, message

MARKER = "zora@example.com"
MakeWorld = Callable[..., World]


def asked(world: World, tool: str, *, people: bool = False, **given: Any) -> tuple[bool, str]:
    """Whether a tool failed, and what it said."""

    async def ask() -> tuple[bool, str]:
        async with Client(door.server_of(world.runtime, people=people)) as client:
            found = await client.call_tool(tool, given)
            return bool(found.is_error), "".join(each.text for each in found.content)

    return anyio.run(ask)


def tools(world: World) -> set[str]:
    async def ask() -> set[str]:
        async with Client(door.server_of(world.runtime, people=False)) as client:
            return {each.name for each in (await client.list_tools()).tools}

    return anyio.run(ask)


def test_what_changes_something_is_there_only_when_switched_on(make_world: MakeWorld) -> None:
    writing = {"replay_problem", "resync_sync", "approve_deletions"}
    assert not tools(make_world()) & writing
    assert writing < tools(make_world(console={"mcp_writes": True}))


def test_an_agent_learns_how_things_stand_and_what_a_message_would_send(world: World) -> None:
    assert "Nothing waits" in asked(world, "status")[1]
    told = json.loads(asked(world, "plan_message", message=json.dumps(message("u1", 1, plan="team")))[1])
    assert told[0]["decision"] == "sync"
    assert world.due() == 0


def test_an_agent_learns_what_became_of_every_message_by_steps_that_add_up(world: World) -> None:
    world.run(message("u1", 1), message("u1", 1), message("u2", 1, segments=["News"]))
    failed, said = asked(world, "funnel", sync="main", period="10m")
    told = json.loads(said)
    assert (failed, told["sync"], told["period"], told["end"] - told["begin"]) == (False, "main", "10m", 600.0)
    assert told["received"]["number"] == sum(each["number"] for each in told["messages"]) == 3
    (outside,) = [each for each in told["messages"] if each["name"] == "not in the audience"]
    assert outside["reasons"] == [{"reason": "not in a whitelisted segment", "number": 1, "before": None}]
    assert {each["name"]: each["number"] for each in told["people"]}["delivered"] == 1


def test_of_many_reasons_the_commonest_are_told_and_how_many_are_left_out(world: World) -> None:
    with world.store.writing() as tx:
        found = {f"{funnel_steps.OUTSIDE}: reason {number}": number for number in range(1, 31)}
        tallies.tally(tx, {tallies.funnel("main"): found}, world.store.now(tx))
    told = json.loads(asked(world, "funnel", sync="main")[1])
    (outside,) = [each for each in told["messages"] if each["name"] == funnel_steps.OUTSIDE]
    assert (outside["reasons"][0]["number"], len(outside["reasons"]), outside["reasons_left_out"]) == (30, 20, 10)
    assert outside["number"] == sum(found.values())


def test_what_is_personal_is_masked_unless_it_is_asked_for_and_that_is_noted(world: World) -> None:
    world.run(message(MARKER, 1, email=MARKER, external_id=MARKER))
    for tool, given in (
        ("show_person", {"user": MARKER}),
        ("list_problems", {}),
        ("list_calls", {}),
        ("status", {}),
        ("funnel", {"sync": "main"}),
    ):
        failed, said = asked(world, tool, **given)
        assert (failed, MARKER in said) == (False, False), said
    assert MARKER in asked(world, "show_person", people=True, user=MARKER)[1]
    (noted,) = operator_acts.latest(world.store, 0.0, "", 10)
    assert (noted.door, noted.act, noted.subject) == ("mcp", "reveal", operator_acts.digest(MARKER))


@pytest.mark.parametrize("people", [False, True])
def test_a_refusal_names_nobody_to_who_sees_people_masked(make_world: MakeWorld, *, people: bool) -> None:
    world = make_world(console={"mcp_writes": True})
    world.run(message(f"1-{MARKER}", 1, external_id="1", email="twin@example.com"))
    world.run(message(f"2-{MARKER}", 1, external_id="2", email="twin@example.com"))
    unread = {"user": {"id": "u1"}, "segments": MARKER}
    bodies.take(world.store, world.runtime.syncs, "native", [unread], 10_000)
    with world.store.reading() as tx:
        [kept] = [each for each in problems.kept(tx, limit=9) if each.problem.kind == "unreadable"]
    for tool, given in (("show_person", {"user": "twin@example.com"}), ("replay_problem", {"id": kept.id})):
        failed, said = asked(world, tool, people=people, **given)
        assert (failed, "masked" in said, people or MARKER not in said) == (True, not people, True), said


@pytest.mark.parametrize(
    ("tool", "given"),
    [("funnel", {"sync": "none"}), ("funnel", {"sync": "main", "period": "2h"}),
     ("show_person", {"user": "nobody"}), ("plan_message", {"message": "{"}),
     ("plan_message", {"message": "x" * 200_000}),
     ("resync_sync", {"sync": "none"}), ("approve_deletions", {"sync": "main", "expected": 5}),
     ("replay_problem", {"id": "zzz"})],
)  # fmt: skip
def test_a_refusal_is_told_as_such(make_world: MakeWorld, tool: str, given: dict[str, Any]) -> None:
    failed, said = asked(make_world(console={"mcp_writes": True}), tool, **given)
    assert (failed, "Traceback" in said) == (True, False)


def test_an_act_is_noted_with_its_door(make_world: MakeWorld) -> None:
    world = make_world(console={"mcp_writes": True})
    world.run(message("u1", 1))
    assert not asked(world, "resync_sync", sync="main")[0]
    (noted,) = operator_acts.latest(world.store, 0.0, "", 10)
    with world.store.reading() as tx:
        (job,) = jobs.find(tx)
    assert (noted.door, noted.act, noted.subject) == ("mcp", "resync", "main")
    assert noted.outcome == f"started as job {job.id}", "no more is known of it yet"


def test_without_the_extra_a_sentence_says_what_to_install(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(door, "import_module", missing)
    with pytest.raises(SettingsError, match=r"audience-sync-connector\[mcp\]"):
        door.server_of(world.runtime, people=False)


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_the_command_speaks_the_protocol_and_nothing_else(store_url: str, tmp_path: Path) -> None:
    environ = {**bare_environment(), **write(tmp_path, values(store=store_url))}
    command = StdioServerParameters(command=sys.executable, args=["-m", "connector", "mcp"], env=environ)

    async def ask() -> str:
        with anyio.fail_after(60):
            async with Client(command) as client:
                found = await client.call_tool("status", {})
                return "".join(each.text for each in found.content)

    assert "Nothing waits" in anyio.run(ask)
