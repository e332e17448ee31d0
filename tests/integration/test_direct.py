"""Who is free is leased by the transaction that takes their change in, and sent for from memory, on both stores."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from connector import formats
from connector.delivery.direct import Direct
from connector.intake.accept import TakenIn, accept
from connector.planning.leasing import Leasing
from connector.store import deletion_guard, entities
from connector.store.engine import Store
from tests.simulated import Simulated
from tests.world import World, event, message


@pytest.fixture
def world(store: Store, simulator: Simulated) -> Iterator[World]:
    found = World(store, simulator)
    yield found
    found.close()


def take(world: World, *messages: dict[str, Any], **options: Any) -> TakenIn:
    """Takes in native messages as one batch, and leases who is free."""
    leasing = Leasing(60.0, {"main": world.runtime.courier("main").line})
    return accept(world.store, world.rules, formats.parse("native", list(messages)), leasing=leasing, **options)


def send(world: World, taken: TakenIn, **options: Any) -> bool:
    """Sends for those who were leased; whether more is owed to them."""
    now = time.monotonic()
    found = [
        world.runtime.courier("main").deliver_claimed(each.lease, each.claims, now, now + 60.0, **options)
        for each in taken.leased
    ]
    return any(each.more for each in found)


def leased(taken: TakenIn) -> list[str]:
    return [claim.entity.key for each in taken.leased for claim in each.claims]


def test_who_is_leased_is_sent_for_with_their_events_and_nothing_is_due_then(
    world: World, simulator: Simulated
) -> None:
    taken = take(world, message("u-1", 1, event("Signed up", "e-1"), plan="team"), message("u-2", 1))
    assert (leased(taken), taken.due) == (["u-1", "u-2"], frozenset())
    assert not send(world, taken)
    assert simulator.people()["u-1"]["plan"] == "team"
    assert simulator.event_names("u-1") == ["Signed up"]
    assert (world.due(), world.runtime.courier("main").cycle().people) == (0, 0)


def test_nobody_else_claims_who_is_leased(world: World, simulator: Simulated) -> None:
    taken = take(world, message("u-1", 1))
    assert world.runtime.courier("main").cycle().people == 0
    send(world, taken)
    assert len(simulator.calls()) == 1


def test_a_change_that_comes_meanwhile_leases_nobody_again_and_is_sent_afterwards(
    world: World, simulator: Simulated
) -> None:
    first = take(world, message("u-1", 1, plan="team"))
    second = take(world, message("u-1", 2, plan="free"))
    assert (leased(second), second.due) == ([], {"main"})
    assert send(world, first)
    assert simulator.people()["u-1"]["plan"] == "team"
    world.settle()
    assert simulator.people()["u-1"]["plan"] == "free"


def test_what_a_dead_process_leased_is_sent_in_doubt_once_the_lease_has_run_out(
    world: World, simulator: Simulated
) -> None:
    take(world, message("u-1", 1, plan="team"))
    with world.store.writing() as tx:
        assert entities.load(tx, "main", ["u-1"])["u-1"].doubt == 1
        entities.put(tx, "main", ["u-1"], leased_until=0.0)
    world.settle()
    assert simulator.people()["u-1"]["plan"] == "team"


def test_a_lease_that_ran_out_meanwhile_raises_doubt_when_it_is_settled(world: World, simulator: Simulated) -> None:
    taken = take(world, message("u-1", 1, plan="team"))
    with world.store.writing() as tx:
        entities.put(tx, "main", ["u-1"], leased_until=0.0)
    take(world, message("u-1", 2, plan="free"))
    world.settle()
    send(world, taken)  # too late: the older word reaches Customer.io last
    world.settle()
    assert simulator.people()["u-1"]["plan"] == "free"


def test_the_guard_sees_deletions_of_people_who_were_leased(store: Store, simulator: Simulated) -> None:
    world = World(store, simulator, sync={"deletion_guard": {"share": 0.1, "at_least": 1}})
    people = [f"u-{number}" for number in range(10)]
    world.run(*(message(each, 1) for each in people))
    taken = take(world, *(message(each, 2, segments=[]) for each in people[:5]))
    assert leased(taken) == people[:5]
    send(world, taken)
    with store.reading() as tx:
        assert deletion_guard.held(tx, "main") == 5
    assert len(simulator.people()) == 10
    world.close()


def test_bulk_loads_wait_behind_what_is_live(world: World) -> None:
    assert leased(take(world, message("u-2", 2, plan="free"), backfill=True)) == []
    assert world.due() == 1


def test_nobody_is_leased_who_is_in_doubt_or_to_whom_something_is_owed_already(world: World) -> None:
    world.run(message("u-2", 1))
    world.take(message("u-1", 1))
    with world.store.writing() as tx:
        entities.put(tx, "main", ["u-2"], doubt=1)
    assert leased(take(world, message("u-1", 2, plan="free"), message("u-2", 2, plan="free"))) == []


def test_of_two_users_with_one_identifier_the_one_who_waits_is_not_leased(world: World) -> None:
    taken = take(world, message("u-1", 1, external_id="1001"), message("u-2", 1, external_id="1001"))
    assert leased(taken) == ["u-1"]


def test_while_the_connection_is_paused_nobody_is_leased(world: World, simulator: Simulated) -> None:
    simulator.go_wrong({"status": 500})
    world.take(message("u-0", 1))
    assert world.cycle()
    assert leased(take(world, message("u-1", 1))) == []


def test_events_that_wait_for_somebody_who_could_not_be_sent_go_before_what_is_new(
    store: Store, simulator: Simulated
) -> None:
    world = World(store, simulator, sync={"anonymous_events": True})
    world.take(message("u-1", 1, event("Signed up", "e-1"), external_id=..., anonymous_id="v-1"))
    with world.store.writing() as tx:
        entities.put(tx, "main", ["u-1"], due_at=None)
    assert leased(take(world, message("u-1", 2, plan="team"))) == []
    world.close()


def test_people_who_were_leased_before_a_pause_are_given_back_as_they_are(world: World, simulator: Simulated) -> None:
    taken = take(world, message("u-1", 1, plan="team"))
    send(world, taken, stopped="the connection is paused")
    assert simulator.calls() == []
    with world.store.writing() as tx:
        assert entities.load(tx, "main", ["u-1"])["u-1"].doubt == 0
    world.settle()
    assert simulator.people()["u-1"]["plan"] == "team"


def test_threads_send_for_whom_a_batch_leased_and_for_what_came_meanwhile(world: World, simulator: Simulated) -> None:
    direct = Direct({"main": world.runtime.courier("main")}, 1)
    leasing = direct.leasing()
    assert leasing is not None
    assert direct.look({"main"}) == {"main"}
    at = time.monotonic()
    parsed = formats.parse("native", [message("u-1", 1, plan="team")])
    direct.send(accept(world.store, world.rules, parsed, leasing=leasing).leased, at)
    assert direct.leasing() is None
    world.take(message("u-1", 2, plan="free"))
    direct.work(lambda: not direct._orders)
    assert simulator.people()["u-1"]["plan"] in ("team", "free")
    world.settle()
    assert simulator.people()["u-1"]["plan"] == "free"
    assert direct.leasing() is not None
