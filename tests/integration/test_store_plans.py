"""How PostgreSQL finds rows in tables that it has no statistics of: by an index for each row, never all with all."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection

from connector.model.entity import PendingEvent
from connector.store import events, statements
from connector.store.engine import Store
from tests.simulated import Simulated
from tests.world import World, event, message

KNOWN = 300


@pytest.fixture
def postgresql(database: str, open_store: Callable[[str], Store]) -> Store:
    return open_store(database)


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The plans of the statements that run from now on, a text each."""
    found: list[str] = []
    run = statements._executed

    def explained(tx: Connection, text: str, values: Any) -> Any:
        rows = run(tx, f"EXPLAIN {text}", values).fetchall()
        found.append("\n".join(line for (line,) in rows))
        return run(tx, text, values)

    monkeypatch.setattr(statements, "_executed", explained)
    return found


def _events(first: int) -> list[tuple[str, PendingEvent]]:
    numbers = range(first, first + KNOWN)
    return [(f"u-{number}", PendingEvent(f"01ABCDEFGH{number:016}", "event", "Signed up", {})) for number in numbers]


def test_events_that_were_accepted_before_are_found_by_their_index(postgresql: Store, plans: list[str]) -> None:
    for first in (0, KNOWN):
        plans.clear()
        with postgresql.writing() as tx:
            assert len(events.add(tx, "main", _events(first), 1.0)) == KNOWN
    assert ["event_known_by" in plan and "Join Filter" not in plan for plan in plans] == [True]


def test_no_statement_of_intake_or_delivery_compares_all_with_all(
    postgresql: Store, simulator: Simulated, plans: list[str]
) -> None:
    world = World(postgresql, simulator)
    for version in (1, 2):
        plans.clear()
        people = range(KNOWN)
        happened = [event("Signed up", f"e-{version}-{each}") for each in people]
        world.take(*(message(f"u-{each}", version, happened[each], plan=str(version)) for each in people))
        world.settle()
    assert plans
    assert [plan for plan in plans if "Join Filter" in plan or "Seq Scan" in plan] == []
    world.close()
