"""Two syncs into one workspace, on SQLite and on PostgreSQL: each sends its own, and none takes away what is wanted."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from connector import formats
from connector.admin.person.gather import gather
from connector.delivery import beside
from connector.delivery.sweep import overdue
from connector.intake.accept import accept
from tests.simulated import Simulated
from tests.world import World, message

_SYNC: dict[str, Any] = {
    "connection": "main",
    "identifier": "external_id",
    "segment_attribute": "",
    "on_exit": "delete",
    "deletion_guard": {"share": 1.0},
}
MAIN = {**_SYNC, "segments": ["Paying"], "attributes": ["plan"]}
SECOND = {**_SYNC, "segments": ["Trial"], "attributes": ["city"]}

Make = Callable[..., World]


def two(make: Make, main: Mapping[str, Any] = {}, second: Mapping[str, Any] = {}, **sections: Any) -> World:
    return make(syncs={"main": {**MAIN, **main}, "second": {**SECOND, **second}}, **sections)


def settle(world: World) -> None:
    """Delivers both syncs until nothing is due in either, as doorbells and the sweep do."""
    while syncs := overdue(world.store, world.rules):
        for sync in syncs:
            world.settle(sync)


def run(world: World, *messages: dict[str, Any]) -> None:
    for each in messages:
        world.take(each)
        settle(world)


def test_each_sync_sends_its_own_attributes_of_a_person_in_both(make_world: Make, simulator: Simulated) -> None:
    run(two(make_world), message("u1", 1, plan="pro", city="Bern", segments=["Paying", "Trial"]))

    assert simulator.people() == {"u1": {"plan": "pro", "city": "Bern"}}


@pytest.mark.parametrize(("left", "stays"), [("Paying", {"city": "Bern"}), ("Trial", {"plan": "pro"})])
def test_who_leaves_one_sync_stays_with_what_the_other_sends(
    make_world: Make, simulator: Simulated, left: str, stays: dict[str, Any]
) -> None:
    world = two(make_world)
    other = {"Paying": "Trial", "Trial": "Paying"}[left]
    both = {"plan": "pro", "city": "Bern"}
    run(world, message("u1", 1, segments=["Paying", "Trial"], **both), message("u1", 2, segments=[other], **both))

    assert simulator.people() == {"u1": stays}
    assert world.problems() == []


def test_who_leaves_the_last_sync_is_deleted(make_world: Make, simulator: Simulated) -> None:
    world = two(make_world)
    run(
        world,
        *(message("u1", version, segments=each) for version, each in enumerate((["Paying", "Trial"], ["Trial"], []))),
    )

    assert simulator.people() == {}


def test_who_leaves_both_at_once_is_deleted(make_world: Make, simulator: Simulated) -> None:
    run(two(make_world), message("u1", 1, segments=["Paying", "Trial"]), message("u1", 2, segments=[]))

    assert simulator.people() == {}


def test_who_is_cleared_keeps_what_another_sync_sends(make_world: Make, simulator: Simulated) -> None:
    world = two(make_world, {"on_exit": "clear", "attributes": ["plan", "city"]})
    both = {"plan": "pro", "city": "Bern"}
    run(world, message("u1", 1, segments=["Paying", "Trial"], **both), message("u1", 2, segments=["Trial"], **both))

    assert simulator.people() == {"u1": {"city": "Bern"}}


def test_two_users_in_two_syncs_are_not_one_person(make_world: Make, simulator: Simulated) -> None:
    world = two(make_world)
    run(world, message("u1", 1, external_id="x", plan="pro"), message("u2", 1, external_id="x", segments=["Trial"]))

    [(kind, subject, reason)] = world.problems()
    assert (kind, subject) == ("conflict", "u2")
    assert "id:x is the identifier of the user 'u1' in the sync 'main', which" in reason.replace(" too", "")
    assert simulator.people() == {"x": {"plan": "pro"}}


def test_who_waits_for_a_user_of_another_sync_gets_the_identifier_when_that_one_leaves(
    make_world: Make, simulator: Simulated
) -> None:
    world = two(make_world)
    run(
        world,
        message("u1", 1, external_id="x", plan="pro"),
        message("u2", 1, external_id="x", city="Bern", segments=["Trial"]),
        message("u1", 2, external_id="x", segments=[]),
    )

    assert simulator.people() == {"x": {"city": "Bern"}}
    assert world.problems() == []


def test_show_says_in_which_syncs_a_person_is_wanted_too(make_world: Make) -> None:
    world = two(make_world)
    run(world, message("u1", 1, segments=["Paying", "Trial"]), message("u2", 1))

    found = {each.row.sync: each.also_in for each in gather(world.runtime, "u1").syncs}
    assert found == {"main": ("second",), "second": ("main",)}
    assert {each.also_in for each in gather(world.runtime, "u2").syncs} == {()}


def test_show_names_the_user_of_another_sync_who_has_the_identifier(make_world: Make) -> None:
    world = two(make_world)
    run(world, message("u1", 1, external_id="x"), message("u2", 1, external_id="x", segments=["Trial"]))

    [waits] = [each.waits for each in gather(world.runtime, "u2").syncs if each.row.sync == "second"]
    assert waits == (
        "they wait for the identifier id:x, which the user 'u1' of the sync 'main', in the same workspace, holds",
    )


def test_two_users_who_hold_one_identifier_already_are_a_problem_and_the_second_is_sent_in_the_end(
    make_world: Make, simulator: Simulated
) -> None:
    world = two(make_world, second={"identify_by": "id", "attributes": ["city"]})
    run(world, message("u1", 1, external_id="x", plan="pro"))
    as_versions_before(world, message("u2", 1, external_id="x", city="Bern", segments=["Trial"]))
    assert world.problems() == []

    assert beside.part(world.store, world.rules) == 1
    assert beside.part(world.store, world.rules) == 0  # once an hour
    settle(world)
    [(kind, subject, reason)] = world.problems()
    assert (kind, subject) == ("conflict", "u2")
    assert "the user 'u1' too in the sync 'main'" in reason

    run(world, message("u1", 2, external_id="x", segments=[]))
    assert simulator.people() == {"x": {"city": "Bern"}}
    assert world.problems() == []


def as_versions_before(world: World, said: dict[str, Any]) -> None:
    """Takes a message in, and delivers it, by the second sync alone, which knows of no other."""
    alone = replace(world.runtime.rules("second"), beside=())
    accept(world.store, [alone], formats.parse("native", [said]))
    replace(world.runtime.courier("second"), rules=alone, others=()).deliver()
