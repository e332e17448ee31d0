"""A wrong clock upstream: a time far in the future makes nothing stale that comes after it, and is said."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from connector.audience.rules import Rules
from tests.simulated import Simulated
from tests.world import World, message

MakeWorld = Callable[..., World]
DAY = 86_400
NEXT_YEAR = int(time.time()) + 365 * DAY


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def told(world: World) -> list[tuple[str, str]]:
    return [(kind, subject) for kind, subject, reason in world.problems() if "max_future_seconds" in reason]


@pytest.mark.parametrize("version", [iso(NEXT_YEAR), NEXT_YEAR * 1_000_000], ids=["text", "microseconds"])
def test_what_comes_after_it_counts_and_the_wrong_clock_is_a_problem(
    world: World, simulator: Simulated, version: Any
) -> None:
    world.run(message("u1", version, plan="ahead"))
    assert simulator.people()["u1"]["plan"] == "ahead"
    assert told(world) == [("attribute", "u1")]

    world.run(message("u1", iso(time.time() + 1), plan="after"))
    assert simulator.people()["u1"]["plan"] == "after"


@pytest.mark.parametrize("version", [2**62, 2**63 - 1])
def test_a_version_larger_than_any_counter_makes_nothing_stale_and_is_a_problem(
    world: World, simulator: Simulated, version: int
) -> None:
    world.run(message("u1", version, plan="ahead"))
    world.run(message("u1", iso(time.time() + 1), plan="after"))

    assert simulator.people()["u1"]["plan"] == "after"
    assert [(kind, subject) for kind, subject, reason in world.problems() if "2**62" in reason] == [("attribute", "u1")]


def test_what_was_before_it_stays_before_it(world: World, simulator: Simulated) -> None:
    world.run(message("u1", iso(NEXT_YEAR), plan="ahead"), message("u1", iso(time.time() - 3600), plan="late"))
    assert simulator.people()["u1"]["plan"] == "ahead"


@pytest.mark.parametrize("version", [7, 10**13, 1_800_000_000_000, 2 * 10**18, "in an hour", None])
def test_counters_and_clocks_that_are_a_little_ahead_are_left_alone(world: World, version: Any) -> None:
    version = iso(time.time() + 3600) if version == "in an hour" else version
    world.run(message("u1", version, plan="gold"))
    assert told(world) == []


def test_how_far_is_a_setting(make_world: MakeWorld) -> None:
    world = make_world(intake={"format": "native", "max_future_seconds": 10.0})
    world.rules = world.runtime.syncs = Rules.all_of(world.settings)
    world.run(message("u1", iso(time.time() + 3600), plan="gold"))
    assert told(world) == [("attribute", "u1")]


@pytest.mark.parametrize("id", ["e1", None])
def test_an_event_of_next_year_is_one_of_now_and_counts_once(
    world: World, simulator: Simulated, id: str | None
) -> None:
    did = {"name": "Signed up", "id": id, "time": NEXT_YEAR}
    world.run(message("u1", 1, did), message("u1", 2, did), message("u1", 3, did))
    [event] = simulator.events("u1")
    assert abs(event["timestamp"] - time.time()) < 300
    assert told(world) == [("event", "u1")]


def test_an_object_of_next_year_holds_back_nothing(make_world: MakeWorld, simulator: Simulated) -> None:
    world = make_world(sync={"objects": [{"type": "1", "attributes": ["name"]}]})
    about = {"type": "1", "id": "o", "attributes": {"name": "ahead"}}
    world.run({"object": about, "version": iso(NEXT_YEAR)})
    world.run({"object": {**about, "attributes": {"name": "after"}}, "version": iso(time.time() + 1)})
    assert simulator.objects()["1/o"]["name"] == "after"
    assert told(world) == [("attribute", "1/o")]
