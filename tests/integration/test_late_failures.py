"""Failures behind 200: the simulator answers 200, drops something, and says so in its activity log alone."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector.admin import late_failures, problems
from connector.customerio.activities import LogPosition
from connector.store import activity_positions, named_leases
from connector.store import problems as kept_problems
from connector.store import tallies as counts
from connector.store.engine import Store
from tests.simulated import Simulated
from tests.world import World, message

Make = Callable[..., World]
TAKEN = {
    "type": "person",
    "identifiers": {"id": "other"},
    "action": "identify",
    "attributes": {"email": "ada@example.com"},
}
NO_TYPE = '{"errors": [{"detail": "no such type, or no such page", "status": "400"}]}'
KEY = {"app_api_key": "app-api-key"}


@pytest.fixture
def make(store: Store, simulator: Simulated) -> Iterator[Make]:
    made: list[World] = []

    def start(**settings: Any) -> World:
        connection = {**KEY, **settings.pop("connection", {})}
        sync = {"attributes": ["plan", "email"], **settings.pop("sync", {})}
        made.append(World(store, simulator, connection=connection, sync=sync, **settings))
        return made[-1]

    yield start
    for world in made:
        world.close()


def look(world: World) -> int:
    return sum(watch.look() for watch in late_failures.watches(world.runtime))


def conflict(world: World, simulator: Simulated) -> None:
    """Somebody else has the address already, whom nobody here knows of."""
    simulator.take(TAKEN)
    world.run(message("u1", 1, plan="gold"), message("u1", 2, plan="gold", email="ada@example.com"))


def test_what_customerio_drops_later_is_a_problem_with_its_own_reason(make: Make, simulator: Simulated) -> None:
    world = make()
    conflict(world, simulator)
    assert world.problems() == []
    assert look(world) == 1
    ((kind, subject, reason),) = world.problems()
    assert (kind, subject) == ("failed later", "u1")
    assert reason.startswith("Customer.io answered 200 and dropped it later (failed_attribute_change): ")
    assert world.tallies()["failed later: failed_attribute_change"] == 1


def test_an_entry_is_counted_once(make: Make, simulator: Simulated) -> None:
    world = make()
    conflict(world, simulator)
    assert [look(world) for _ in range(3)] == [1, 0, 0]
    assert world.tallies()["failed later: failed_attribute_change"] == 1


def test_more_than_a_page_is_read(make: Make, simulator: Simulated) -> None:
    world = make(sync={"mode": "update", "on_exit": "keep"})
    world.take(*(message(f"u{number}", 1, plan="gold") for number in range(120)))
    world.settle()
    assert look(world) == 120
    assert look(world) == 0


def test_what_concerns_nobody_here_is_counted_and_is_no_problem(make: Make, simulator: Simulated, store: Store) -> None:
    world = make()
    simulator.take(TAKEN)
    stranger = {**TAKEN, "identifiers": {"id": "stranger"}}
    simulator.take({**stranger, "attributes": {}})
    simulator.take(stranger)
    assert look(world) == 0
    assert world.problems() == []
    with store.reading() as tx:
        assert counts.tallies(tx, "")["failed later, of nobody here: failed_attribute_change"] == 1


def test_a_key_that_may_not_read_the_log_is_one_problem_until_it_may(
    make: Make, simulator: Simulated, store: Store
) -> None:
    world = make(connection={"app_api_key": "a-wrong-key"})
    assert [look(world), look(world)] == [0, 0]
    ((kind, subject, reason),) = world.problems()
    assert (kind, subject) == ("activities", "main")
    assert "app_api_key may not read activities here" in reason
    look(make())
    assert world.problems() == []


def test_one_type_that_is_refused_hides_no_other(make: Make, simulator: Simulated) -> None:
    """Customer.io may know a type no more: the others are asked for, and the problem says which one is not seen."""
    world = make()
    simulator.go_wrong({"path": "/v1/activities", "status": 400, "times": 1, "body": NO_TYPE})
    look(world)
    assert [kind for kind, *_ in world.problems()] == ["activities"]
    assert "(of the types failed_attribute_change)" in world.problems()[0][2]
    simulator.go_wrong({"path": "/v1/activities", "status": 400, "times": 1, "after": 1, "body": NO_TYPE})
    conflict(world, simulator)
    assert look(world) == 1
    assert "(of the types failed_event)" in world.problems()[0][2]
    look(world)
    assert [kind for kind, *_ in world.problems()] == ["failed later"]


@pytest.mark.parametrize(
    ("status", "page"),
    [(200, "<html>"), (200, '{"activities": [{"id": "a", "timestamp": "soon"}]}'), (500, "{}"), (404, "<html>")],
)
def test_a_page_that_cannot_be_read_is_told_and_hides_no_other_type(
    make: Make, simulator: Simulated, status: int, page: str
) -> None:
    world = make()
    conflict(world, simulator)
    simulator.go_wrong({"path": "/v1/activities", "status": status, "times": 4, "after": 1, "body": page})
    assert look(world) == 1
    assert "(of the types failed_event, " in next(
        reason for kind, _, reason in world.problems() if kind == "activities"
    )
    look(world)
    assert [kind for kind, *_ in world.problems()] == ["failed later"]


def test_an_entry_that_names_nobody_who_could_be_holds_up_none_behind_it(make: Make, simulator: Simulated) -> None:
    world = make()
    conflict(world, simulator)
    odd = '{"id": 7, "type": "failed_event", "timestamp": 1e400, "customer_id": "u1\\u0000", "data": {"n": %s}}'
    ours = '{"id": "b", "type": "failed_event", "timestamp": "%d", "customer_id": "u1"}'
    with world.store.reading() as tx:
        page = f'{{"activities": [{odd % ("9" * 400)}, {ours % world.store.now(tx)}]}}'
    simulator.go_wrong({"path": "/v1/activities", "status": 200, "times": 1, "body": page})
    assert look(world) == 1
    assert world.tallies()["failed later: failed_event"] == 1


def test_a_page_that_is_gone_is_begun_anew(make: Make, simulator: Simulated, store: Store) -> None:
    world = make()
    conflict(world, simulator)
    with store.writing() as tx:
        gone = LogPosition(store.now(tx) - 60, resume="a token of last week")
        activity_positions.keep(tx, "main", "failed_attribute_change", gone)
    simulator.go_wrong({"path": "/v1/activities", "status": 400, "times": 1, "body": NO_TYPE})
    assert [look(world), look(world)] == [0, 1]
    assert [kind for kind, *_ in world.problems()] == ["failed later"]


def test_a_log_that_fails_for_now_is_read_at_the_next_look(make: Make, simulator: Simulated) -> None:
    world = make()
    conflict(world, simulator)
    simulator.go_wrong({"path": "/v1/activities", "status": 503, "times": 1})
    assert [look(world), look(world)] == [0, 1]


def test_one_process_reads_at_a_time(make: Make, simulator: Simulated, store: Store) -> None:
    world = make()
    conflict(world, simulator)
    with store.writing() as tx:
        named_leases.take(tx, late_failures.lease_name("main"), "somebody else", store.now(tx), 60.0)
    assert look(world) == 0


def test_without_a_key_or_where_the_settings_say_so_nothing_is_asked(make: Make, simulator: Simulated) -> None:
    assert late_failures.watches(make(connection={"app_api_key": None}).runtime) == []
    assert late_failures.watches(make(connection={"watch_failures": False}).runtime) == []
    assert late_failures.watches(make(sync={"deliver": False}).runtime) == []


def test_a_replay_sends_the_person_again(make: Make, simulator: Simulated, store: Store) -> None:
    world = make()
    conflict(world, simulator)
    look(world)
    with store.reading() as tx:
        (kept,) = kept_problems.kept(tx, kind="failed later")
    assert problems.replay(world.runtime, kept) == "u1 is due again"
    assert world.problems() == []


def test_requests_take_turns_with_all_readers_of_the_app_api(make: Make, simulator: Simulated, store: Store) -> None:
    waited: list[float] = []
    (watch,) = late_failures.watches(make().runtime)
    late_failures.FailureWatch(watch.name, watch.store, watch.api, watch.syncs, 0.001, waited.append).look()
    # The first of five goes at once. Nobody slept, so each is a thousand seconds behind the one before.
    assert [round(each, -3) for each in waited] == [1000, 2000, 3000, 4000]
