"""A flood of problems is kept as samples and a count, on SQLite and on PostgreSQL; nothing is dropped silently."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from connector.admin import problems as remedies
from connector.errors import ConnectorError
from connector.model.problem import Problem
from connector.runtime import Runtime
from connector.store import problem_bounds, problems
from connector.store.engine import Store
from tests.world import World

HOUR = 3600.0
NOON = 1_000_000.0


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problem_bounds, "MOST_AN_HOUR", 10)
    monkeypatch.setattr(problem_bounds, "MOST_CHARACTERS", 1000)


def junk(first: int, count: int, reason: str = "the body is not JSON at column {}") -> list[Problem]:
    return [Problem("unreadable", "", reason.format(n), f"junk {n}") for n in range(first, first + count)]


def add(store: Store, found: list[Problem], now: float = NOON, sync: str = "") -> list[str]:
    with store.writing() as tx:
        return problems.add(tx, sync, found, now)


def kept(store: Store) -> list[problems.Kept]:
    with store.reading() as tx:
        return problems.kept(tx, limit=1000)


def total(store: Store) -> int:
    with store.reading() as tx:
        return int(tx.execute(select(func.sum(problems.TABLE.c.count))).scalar_one())


def summaries(store: Store) -> list[tuple[str, int]]:
    return [(each.problem.reason, each.count) for each in kept(store) if "counted here" in each.problem.reason]


@pytest.mark.parametrize("size", [1, 7, 500], ids=["one at a time", "a few at a time", "at once"])
def test_of_a_flood_samples_are_kept_and_every_one_is_counted(store: Store, size: int) -> None:
    for first in range(0, 500, size):
        add(store, junk(first, min(size, 500 - first)))

    assert len(kept(store)) == 11
    assert total(store) == 500
    [(reason, count)] = summaries(store)
    assert count == 490
    assert reason.startswith("more problems of this kind came within an hour than the")
    assert "One of them: the body is not JSON at column" in reason


def test_each_is_found_under_the_id_that_was_given(store: Store) -> None:
    ids = add(store, junk(0, 30))
    assert len(set(ids)) == 11
    assert {each.id for each in kept(store)} == set(ids)


def test_an_hour_later_more_are_kept(store: Store) -> None:
    add(store, junk(0, 30))
    add(store, junk(100, 30), NOON + HOUR + 1)

    assert len(kept(store)) == 21
    assert total(store) == 60
    assert [count for _, count in summaries(store)] == [40]


def test_other_kinds_syncs_and_reasons_have_room_of_their_own(store: Store) -> None:
    add(store, junk(0, 10))
    add(store, junk(0, 10, "the message names no user"))
    add(store, [Problem("attribute", f"u{n}", "the attribute 'plan' is too long") for n in range(10)])
    add(store, junk(0, 10), sync="main")

    assert len(kept(store)) == 40
    assert summaries(store) == []


def test_one_that_is_there_already_is_counted_where_it_is(store: Store) -> None:
    ids = add(store, junk(0, 10))
    assert add(store, junk(0, 10)) == ids
    assert {each.count for each in kept(store)} == {2}


def test_large_payloads_leave_room_for_fewer(store: Store) -> None:
    add(store, [Problem("unreadable", "", f"no {n}", "x" * 300 + str(n)) for n in range(10)])
    assert len(kept(store)) == 4
    assert total(store) == 10


@pytest.mark.parametrize("kind", ["refused", "conflict", "held", "segment", "source", "backfill"])
def test_what_an_operator_acts_on_one_by_one_is_always_kept(store: Store, kind: str) -> None:
    add(store, [Problem(kind, f"u{n}", "refused", {"n": n}) for n in range(100)])  # type: ignore[arg-type]
    assert len(kept(store)) == 100


def test_what_was_only_counted_says_so_when_it_is_played_again(make_world: Callable[..., World]) -> None:
    runtime: Runtime = make_world().runtime
    add(runtime.store, junk(0, 30))
    [counted] = [each for each in kept(runtime.store) if each.problem.payload is None]
    with pytest.raises(ConnectorError, match="not kept with this problem: mend its cause, and send it again"):
        remedies.replay(runtime, counted, "native")
