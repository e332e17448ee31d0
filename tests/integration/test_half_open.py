"""While the requests of a connection fail, one claim of all the fleet at a time sends to it: the circuit is half open.

A workspace that does not answer would else hold a process of each worker until its time-out, again and again.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from connector.delivery import circuit
from connector.store import connection_health, entities, named_leases
from connector.store.connection_health import Health
from tests.servers import eventually
from tests.simulated import Simulated
from tests.world import World, message

BATCH = "/api/v2/batch"
LEASE_SECONDS = 1.0
PEOPLE = [message(f"u-{number}", 1) for number in range(8)]


def fail(world: World, failures: int) -> None:
    """Notes so many failures in a row; the pause after them is over."""
    with world.store.writing() as tx:
        connection_health.pause(tx, "main", Health(None, "no answer", failures))


def on_trial(world: World) -> bool:
    with world.store.reading() as tx:
        name = circuit.trial("main")
        return bool(named_leases.held(tx, [name], world.store.now(tx)))


def test_nobody_else_sends_to_a_connection_that_fails_while_one_tries(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(delivery={"people": 8, "lease_seconds": LEASE_SECONDS})
    simulator.go_wrong({"path": BATCH, "latency": 2 * LEASE_SECONDS, "times": 1})  # the lease must be renewed
    world.take(*PEOPLE)
    fail(world, 2)
    with ThreadPoolExecutor() as pool:
        trial = pool.submit(world.runtime.courier("main").cycle)
        eventually(lambda: on_trial(world))
        others = 0
        while not trial.done():
            others += world.runtime.courier("main").cycle().people
    assert trial.result().people == 2  # of eight, halved by each of the two failures
    assert others in {0, 4}  # the last of these may begin when the trial has just succeeded
    world.settle()
    assert len(simulator.people()) == len(PEOPLE)
    assert not on_trial(world)


def test_several_send_again_once_the_connection_has_recovered(make_world: Callable[..., World]) -> None:
    world = make_world(delivery={"people": 8})
    world.take(*PEOPLE)
    fail(world, 1)
    assert world.runtime.courier("main").cycle().people == len(PEOPLE) // 2
    assert world.health().failures == 0
    assert not on_trial(world)


def test_who_finds_nobody_due_leaves_the_trial_to_others(world: World) -> None:
    fail(world, 1)
    assert world.runtime.courier("main").cycle().people == 0
    assert not on_trial(world)


def test_a_trial_whose_holder_has_died_ends_with_its_lease(world: World) -> None:
    world.take(*PEOPLE)
    fail(world, 1)
    with world.store.writing() as tx:
        assert named_leases.take(tx, circuit.trial("main"), "a dead worker", world.store.now(tx), LEASE_SECONDS)
    assert world.runtime.courier("main").cycle().people == 0
    eventually(lambda: world.runtime.courier("main").cycle().people > 0)


def test_who_fails_alone_is_tried_beside_a_trial(make_world: Callable[..., World], simulator: Simulated) -> None:
    """They have a bound of their own, and must not wait for a connection that fails for others."""
    world = make_world()
    world.take(PEOPLE[0])
    fail(world, 1)
    with world.store.writing() as tx:
        entities.put(tx, "main", ["u-0"], attempts=1)
        assert named_leases.take(tx, circuit.trial("main"), "another", world.store.now(tx), 60.0)
    world.runtime.courier("main").deliver()
    assert list(simulator.people()) == ["u-0"]
