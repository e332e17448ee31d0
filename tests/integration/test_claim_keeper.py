"""Leases are renewed while their holder lives and works, and end soon after its death."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from connector.delivery.claim_keeper import ClaimKeeper, Held
from connector.settings.sections import DeliverySettings
from connector.store import claims, entities
from connector.store.engine import Store
from tests.servers import eventually
from tests.simulated import Simulated
from tests.world import World, message

SECONDS = 1.5
SHORT = {"lease_seconds": SECONDS, "timeout_seconds": 10.0}


@pytest.fixture
def keeper(store: Store) -> Iterator[ClaimKeeper]:
    keeper = ClaimKeeper(store)
    yield keeper
    keeper.close()


def claimed(world: World, number: int, seconds: float = SECONDS) -> tuple[Held, list[str]]:
    with world.store.writing() as tx:
        found = claims.claim(tx, "main", "lease-1", number, world.store.now(tx), seconds)
    return Held("main", "person", "lease-1", seconds, time.monotonic()), [each.entity.key for each in found]


def leased_until(world: World) -> list[float]:
    with world.store.reading() as tx:
        return [until or 0.0 for until in tx.execute(select(entities.TABLE.c.leased_until)).scalars()]


def test_a_request_may_take_longer_than_the_lease(make_world: Callable[..., World], simulator: Simulated) -> None:
    """While one courier waits for an answer, another finds nobody to claim, and the answer is settled."""
    world = make_world(delivery=SHORT)
    simulator.go_wrong({"path": "/api/v2/batch", "latency": 2.5 * SECONDS, "times": 1})
    world.take(message("u1", 1, plan="gold"), message("u2", 1, plan="gold"))
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(world.runtime.courier("main").cycle)
        others = 0
        while not slow.done():
            others += world.runtime.courier("main").cycle().people
            time.sleep(SECONDS / 20)
    assert slow.result().people + others == 2
    assert len(simulator.calls()) == 1
    assert not world.due()
    world.runtime.close()


def test_what_is_held_is_renewed_before_it_ends(world: World, keeper: ClaimKeeper) -> None:
    world.take(message("u1", 1), message("u2", 1))
    held, keys = claimed(world, 2)
    first, until = max(leased_until(world)), held.until
    with keeper.keeping(held, keys):
        eventually(lambda: min(leased_until(world)) > first)
        assert held.until > until
        with world.store.writing() as tx:
            assert not claims.claim(tx, "main", "other", 9, first, SECONDS)


def test_a_holder_that_dies_is_out_within_a_lease(world: World) -> None:
    world.take(message("u1", 1))
    claimed(world, 1)
    time.sleep(1.2 * SECONDS)
    with world.store.writing() as tx:
        assert len(claims.claim(tx, "main", "other", 9, world.store.now(tx), SECONDS)) == 1


def test_what_is_settled_is_renewed_no_more(world: World, keeper: ClaimKeeper) -> None:
    world.take(message("u1", 1))
    held, keys = claimed(world, 1)
    with keeper.keeping(held, keys):
        pass
    before = leased_until(world)
    time.sleep(SECONDS)
    assert leased_until(world) == before


def test_who_stood_still_and_lost_somebody_sends_nothing_more(world: World, keeper: ClaimKeeper) -> None:
    world.take(message("u1", 1), message("u2", 1))
    held, keys = claimed(world, 2, seconds=30.0)
    with world.store.writing() as tx:
        tx.execute(update(entities.TABLE).where(entities.TABLE.c.key == "u1").values(lease="another"))
    with keeper.keeping(held, keys):
        held.renewed_at -= 20.0
        keeper.renew()
        assert held.until < time.monotonic()


def test_a_store_that_is_away_for_a_moment_loses_no_lease(
    world: World, keeper: ClaimKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.take(message("u1", 1))
    held, keys = claimed(world, 1, seconds=30.0)
    with keeper.keeping(held, keys):
        held.renewed_at -= 12.0
        until = held.until
        with monkeypatch.context() as patched:
            patched.setattr(world.store, "engine", Store("sqlite:////nowhere/at/all.db").engine)
            keeper.renew()
        assert held.until == until
        keeper.renew()
        assert held.until > until


def test_as_shipped_a_dead_workers_people_are_free_within_half_a_minute() -> None:
    assert DeliverySettings().lease_seconds <= 30.0
