"""Many problems at once, on SQLite and on PostgreSQL: replayed or discarded, those that can be."""

from collections import Counter
from typing import Any

from connector.admin import problems_in_bulk as bulk
from connector.model.problem import Problem
from connector.model.problem_filter import ProblemFilter
from connector.store import problems
from tests.world import World, message

QUICK = 1e6


def add(world: World, *found: Problem, ago: float = 0.0) -> None:
    with world.store.writing() as tx:
        problems.add(tx, "main", found, world.store.now(tx) - ago)


def left(world: World) -> list[str]:
    return sorted(subject for _, subject, _ in world.problems())


def do(world: World, act: str, kind: str = "", lately: float = 0.0, **how: Any) -> Counter[str]:
    meant, _ = bulk.which(world.store, ProblemFilter(kind=kind), lately)
    return bulk.each(world.runtime, meant, bulk.remedies(world.runtime)[act], QUICK, **how)


def test_all_that_can_be_replayed_are_and_the_others_stay(world: World) -> None:
    world.run(*(message(f"u{number}", 1) for number in range(3)))
    add(world, *(Problem("refused", f"u{number}", "400") for number in range(3)), Problem("action", "u9", "no"))
    assert do(world, "replay") == {"done": 3, "not done: action": 1}
    assert (left(world), world.due()) == (["u9"], 3)


def test_only_what_is_meant_is_discarded_page_by_page(world: World) -> None:
    add(world, *(Problem("refused", f"u{number:03}", "400") for number in range(bulk.AT_ONCE + 5)))
    add(world, Problem("action", "other", "no"))
    add(world, Problem("refused", "old", "400"), ago=7200.0)
    assert bulk.which(world.store, ProblemFilter(kind="refused"), 3600.0)[1] == bulk.AT_ONCE + 5
    assert do(world, "discard", "refused", 3600.0) == {"done": bulk.AT_ONCE + 5}
    assert left(world) == ["old", "other"]


def test_a_problem_that_comes_again_meanwhile_is_not_tried_twice(world: World) -> None:
    add(world, Problem("action", "u1", "no"), ago=10.0)
    meant, _ = bulk.which(world.store, ProblemFilter())
    tried = []

    def again(kept: problems.Kept) -> None:
        tried.append(kept.problem.subject)
        add(world, Problem("action", f"{kept.problem.subject}+", "no"), ago=-10.0)

    bulk.each(world.runtime, meant, again, QUICK)
    assert tried == ["u1"]


def test_a_pace_is_kept(world: World) -> None:
    add(world, *(Problem("action", f"u{number}", "no") for number in range(3)))
    meant, _ = bulk.which(world.store, ProblemFilter())
    waits: list[float] = []
    bulk.each(world.runtime, meant, lambda _: None, 0.001, sleep=waits.append)
    assert waits[0] == 0.0
    assert [round(each, -3) for each in waits[1:]] == [1000.0, 2000.0]
