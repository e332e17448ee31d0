"""What is counted is counted by the minute too: how many, what became of them, and how long it took."""

from collections.abc import Iterator

import pytest

from connector import formats
from connector.admin import retention
from connector.delivery import outcomes
from connector.intake.accept import accept
from connector.settings.retention import RetentionSettings
from connector.store import tallies
from connector.store.engine import Store
from tests.simulated import Simulated
from tests.world import World, message

DAY = 86_400.0


@pytest.fixture
def world(store: Store, simulator: Simulated) -> Iterator[World]:
    made = World(store, simulator)
    yield made
    made.close()


def counted(store: Store, minute: int = 0) -> dict[str, dict[str, int]]:
    with store.reading() as tx:
        return tallies.since(tx, minute)


def buckets(names: dict[str, int]) -> int:
    """How many durations were counted."""
    return sum(count for name, count in names.items() if name.startswith("<= ") or name == outcomes.LONGER)


def test_messages_people_and_requests_are_counted_by_the_minute(world: World, store: Store) -> None:
    world.run(message("u1", 1, plan="gold"), message("u2", 1, plan="gold"), message("u1", 1, plan="gold"))
    world.take({**message("u3", 1), "segments": []})
    found = counted(store)
    assert found[""] == {"messages": 4}
    way = found[tallies.way("main")]
    assert (way["due"], way["delivered"], buckets(way)) == (2, 2, 2)
    assert (found["main"]["created"], found["main"]["unchanged"]) == (2, 1)
    assert sum(count for name, count in found["main"].items() if name.startswith("skipped: ")) == 1
    requests = found[tallies.requests("main")]
    assert (requests["settled"], buckets(requests)) == (2, 2)


def test_the_minutes_come_to_the_tallies(world: World, store: Store) -> None:
    world.run(message("u1", 1, plan="gold"), message("u2", 1, plan="x" * 2_000))
    with store.reading() as tx:
        assert tallies.all_tallies(tx) == tallies.since(tx, 0)


def test_what_customerio_refuses_is_counted(world: World, store: Store, simulator: Simulated) -> None:
    simulator.go_wrong({"path": "/api/v2", "items": "u1"})
    world.run(message("u1", 1, plan="gold"), message("u2", 1, plan="gold"))
    way = counted(store)[tallies.way("main")]
    assert (way["refused"], way["delivered"]) == (1, 1)


def test_a_bulk_load_is_delivered_and_its_time_is_not_counted(world: World, store: Store) -> None:
    accept(store, world.rules, formats.parse("native", [message("u1", 1, plan="gold")]), backfill=True)
    world.settle()
    way = counted(store)[tallies.way("main")]
    assert (way["due"], way["delivered"], buckets(way)) == (1, 1, 0)


def test_minutes_are_told_apart_and_old_ones_dropped(store: Store) -> None:
    with store.writing() as tx:
        now = store.now(tx)
        for at in (now - 20 * DAY, now - 3 * DAY, now):
            tallies.tally(tx, {"main": {"created": 1}}, at)
    assert counted(store, int(now // 60)) == {"main": {"created": 1}}
    assert retention.retain(store, RetentionSettings(), ())
    assert counted(store) == {"main": {"created": 2}}
    with store.reading() as tx:
        assert tallies.tallies(tx, "main") == {"created": 3}


def test_the_slots_of_minutes_that_are_over_are_added_up(store: Store) -> None:
    with store.writing() as tx:
        now = store.now(tx)
        for _ in range(40):
            tallies.tally(tx, {"main": {"a": 1, "b": 2}}, now - DAY)
    assert retention.retain(store, RetentionSettings(), (), rows_at_once=7)
    assert counted(store) == {"main": {"a": 40, "b": 80}}
    with store.reading() as tx:
        assert tx.exec_driver_sql("SELECT count(*), max(slot) FROM minute").one() == (2, 0)
