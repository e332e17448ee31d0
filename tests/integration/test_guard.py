"""The deletion guard: too many deletions are held, everything else goes on, a human decides."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from connector.admin import problems
from connector.planning.settlement import HeldBack
from connector.store import claims, deletion_guard, overview, settlements
from tests.simulated import Simulated
from tests.world import World, message

MakeWorld = Callable[..., World]
GUARD = {"share": 0.2, "at_least": 3}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Twenty people are held; four of them may be deleted within an hour."""
    world = make_world(sync={"deletion_guard": GUARD})
    world.take(*(message(f"u{number:02}", 1, plan="gold") for number in range(20)))
    world.settle()
    return world


def leave(*numbers: int, version: int = 2) -> list[dict[str, Any]]:
    return [message(f"u{number:02}", version, segments=[]) for number in numbers]


def held(world: World) -> int:
    with world.store.reading() as tx:
        return deletion_guard.held(tx, "main")


def test_a_few_deletions_pass(world: World, simulator: Simulated) -> None:
    world.run(*leave(0, 1, 2, 3))
    assert len(simulator.people()) == 16
    assert (held(world), world.problems()) == (0, [])


def test_too_many_at_once_are_all_held_and_are_one_problem(world: World, simulator: Simulated) -> None:
    world.take(*leave(*range(15)))
    world.settle()
    assert len(simulator.people()) == 20
    assert held(world) == 15
    assert [(kind, subject) for kind, subject, _ in world.problems()] == [("held", "main")]
    with world.store.reading() as tx:
        assert overview.of(tx, "main").deletions_held == 15


def test_too_many_one_after_the_other_are_held_from_then_on(world: World, simulator: Simulated) -> None:
    world.run(*leave(*range(10)))
    assert len(simulator.people()) == 16
    assert held(world) == 6


def test_what_else_is_due_goes_on(world: World, simulator: Simulated) -> None:
    world.take(*leave(*range(10)), message("u15", 2, plan="free"), message("u99", 1, plan="new"))
    world.settle()
    assert simulator.people()["u15"] == {"plan": "free"}
    assert simulator.people()["u99"] == {"plan": "new"}
    assert len(simulator.people()) == 21


def test_approved_they_are_deleted(world: World, simulator: Simulated) -> None:
    world.run(*leave(*range(10)))
    assert problems.approve(world.runtime, "main") == 6
    world.settle()
    assert sorted(simulator.people()) == [f"u{number}" for number in range(10, 20)]
    assert (held(world), world.problems()) == (0, [])


def test_dropped_they_stay_until_upstream_speaks_of_them(world: World, simulator: Simulated) -> None:
    world.take(*leave(*range(10)))
    world.settle()
    assert problems.drop(world.runtime, "main") == 10
    world.settle()
    assert len(simulator.people()) == 20
    assert (held(world), world.problems(), world.due()) == (0, [], 0)
    world.run(*leave(3, version=3))
    assert "u03" not in simulator.people()


def test_who_comes_back_is_held_no_more(world: World, simulator: Simulated) -> None:
    world.take(*leave(*range(10)))
    world.settle()
    world.run(message("u04", 3, plan="gold"), message("u05", 3, plan="free"))
    assert held(world) == 8
    problems.approve(world.runtime, "main")
    world.settle()
    assert sorted(simulator.people())[:2] == ["u04", "u05"]


def test_while_deletions_are_held_a_single_one_is_held_too(world: World, simulator: Simulated) -> None:
    world.take(*leave(*range(10)))
    world.settle()
    world.run(*leave(19))
    assert held(world) == 11
    assert len(simulator.people()) == 20


def test_held_deletions_send_nothing_and_claim_nothing(world: World, simulator: Simulated) -> None:
    world.take(*leave(*range(10)))
    world.settle()
    before = len(simulator.calls())
    world.cycle()
    assert len(simulator.calls()) == before


def test_a_deletion_that_was_let_pass_is_tried_again_without_being_counted_again(
    world: World, simulator: Simulated
) -> None:
    simulator.go_wrong({"path": "/api/v2/batch", "status": 503, "times": 3})
    world.run(*leave(0, 1, 2, 3))
    assert len(simulator.people()) == 16
    with world.store.reading() as tx:
        assert tx.execute(text("SELECT sum(count) FROM admission")).scalar_one() == 4


def test_the_window_passes(world: World, simulator: Simulated) -> None:
    world.run(*leave(0, 1, 2, 3))
    with world.store.writing() as tx:
        tx.execute(text("UPDATE admission SET minute = minute - 61"))
    world.run(*leave(4, 5, 6))
    assert len(simulator.people()) == 13


def test_a_change_of_the_settings_cannot_empty_customerio_either(
    world: World, make_world: MakeWorld, simulator: Simulated
) -> None:
    narrowed = make_world(sync={"deletion_guard": GUARD, "segments": ["Somebody else"]})
    with narrowed.store.writing() as tx:
        tx.execute(text("UPDATE entity SET due_at = 1, lane = 3"))
    narrowed.settle()
    assert len(simulator.people()) >= 16
    assert held(narrowed) >= 16


def test_problems_replay_lets_them_go_and_discard_drops_them(world: World, simulator: Simulated) -> None:
    world.take(*leave(*range(10)))
    world.settle()
    with world.store.reading() as tx:
        id = tx.execute(text("SELECT id FROM problem")).scalar_one()
    assert problems.replay(world.runtime, problems.find(world.runtime, id), "native") == "10 deletion(s) let go"
    world.settle()
    assert len(simulator.people()) == 10


def test_a_claim_that_is_held_leaves_no_doubt(world: World) -> None:
    world.take(*leave(*range(10)))
    world.settle()
    with world.store.writing() as tx:
        assert tx.execute(text("SELECT sum(doubt) FROM entity")).scalar_one() == 0


def test_who_moved_while_their_deletion_came_to_be_held_is_looked_at_again(world: World) -> None:
    world.take(*leave(0))
    with world.store.writing() as tx:
        (claim,) = claims.claim(tx, "main", "lease", 10, world.store.now(tx), 60.0)
    world.take(message("u00", 3, plan="gold"))
    with world.store.writing() as tx:
        settlements.settle(tx, "main", "lease", [HeldBack(claim.entity)], world.store.now(tx))
    assert (held(world), world.due()) == (0, 1)
