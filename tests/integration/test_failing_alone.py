"""Somebody at whom Customer.io fails, by a 500, a cut connection or a firewall: they wait alone, nobody else does."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import select

from connector.store import entities
from tests.servers import eventually
from tests.simulated import Simulated
from tests.stores import in_turn
from tests.world import World, event, message

BATCH = "/api/v2/batch"
QUICK = {"backoff_seconds": 0.01, "backoff_max_seconds": 0.05}
FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "502 with a page": {"status": 502, "body": "<html>Bad gateway</html>"},
    "a firewall's 400": {"status": 400, "body": "<html>Request blocked</html>"},
    "a firewall's 403": {"status": 403, "body": "<html>Request blocked</html>"},
    "a firewall's 200": {"status": 200, "body": "<html>Request blocked</html>"},
    "silence": {"latency": 2.0},
    "a byte at a time": {"status": 200, "body": "{}", "size": 1000, "drip": 0.1},
    "an answer without end": {"status": 200, "body": "{}", "size": 11_000_000},
    "a packed answer": {"status": 200, "body": "{}", "packed": True},
    "cut before": {"drop": "before"},
    "cut after": {"drop": "after"},
}


def people(*numbers: int, **rest: Any) -> list[dict[str, Any]]:
    return [message(f"u{number}-", 1, plan="gold", **rest) for number in numbers]


def poison(simulator: Simulated, *names: str, **fault: Any) -> None:
    simulator.go_wrong(*({"path": "/api/v*", "containing": name, **fault} for name in names))


def attempts(world: World, key: str) -> int:
    with world.store.reading() as tx:
        column = entities.TABLE.c
        return int(tx.execute(select(column.attempts).where(column.key == key)).scalar_one())


def failing(world: World) -> list[tuple[str, str, str]]:
    return [one for one in world.problems() if one[0] == "failing"]


def deliver_until(world: World, is_so: Callable[[], bool]) -> None:
    """Delivers again and again until it is so."""

    def so_now() -> bool:
        world.runtime.courier("main").deliver()
        return is_so()

    eventually(so_now, still=lambda: (world.health(), failing(world), world.simulated.statuses()))


@in_turn(["fault"], [[each] for each in FAULTS], ids=FAULTS)
def test_whoever_fails_alone_waits_alone_and_their_neighbours_arrive(
    make_world: Callable[..., World], simulator: Simulated, fault: str
) -> None:
    world = make_world(delivery={**QUICK, "timeout_seconds": 1.0})
    poison(simulator, "u3-", **FAULTS[fault])
    world.take(*people(*range(9)))
    deliver_until(world, lambda: len(simulator.people().keys() - {"u3-"}) == 8)
    # On a machine that stands still for a second a neighbour is out of time as well, once; and silence has two names.
    deliver_until(world, lambda: attempts(world, "u3-") >= 2 and {who for _, who, _ in failing(world)} == {"u3-"})
    assert all("sent by itself" in reason for *_, reason in failing(world))

    simulator.go_wrong()
    deliver_until(world, lambda: not world.due())
    assert len(simulator.people()) == 9
    assert attempts(world, "u3-") == 0
    assert not world.problems()


def test_who_fails_now_in_one_way_and_now_in_another_is_one_problem_with_the_last_reason(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(delivery=QUICK)

    def says(words: str) -> bool:
        return any(words in why for *_, why in failing(world))

    world.take(*people(*range(9)))
    for fault, words in (("500", "500"), ("502 with a page", "502"), ("500", "500")):
        poison(simulator, "u3-", **FAULTS[fault])
        deliver_until(world, partial(says, words))
        [(_, who, _)] = failing(world)
        assert who == "u3-"


def test_who_comes_after_is_delivered_beside_one_who_fails(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(delivery=QUICK)
    poison(simulator, "u3-", status=500)
    world.take(*people(3, 4))
    deliver_until(world, lambda: attempts(world, "u3-") >= 1)
    asked = len(simulator.calls())
    for number in range(5, 10):
        world.take(*people(number))
        deliver_until(world, lambda: len(simulator.people()) == number - 3)  # noqa: B023 - called at once
    with_others = [call for call in simulator.calls()[asked:] if call["items"] > 1]
    assert not [call for call in with_others if call["status"] == 500]


def test_one_who_fails_when_nobody_else_is_due_does_not_keep_the_next_one_waiting_for_long(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(delivery=QUICK)
    poison(simulator, "u3-", status=500)
    world.take(*people(3))
    for _ in range(4):
        world.runtime.courier("main").deliver()
        time.sleep(0.06)
    assert attempts(world, "u3-") == 0
    world.take(*people(4))
    deliver_until(world, lambda: "u4-" in simulator.people())
    deliver_until(world, lambda: attempts(world, "u3-") >= 1)


def test_an_outage_blames_nobody_and_costs_few_requests(make_world: Callable[..., World], simulator: Simulated) -> None:
    world = make_world(delivery={"backoff_seconds": 30.0, "backoff_max_seconds": 30.0})
    simulator.go_wrong({"path": "/api", "status": 500})
    world.take(*people(*range(40)))
    for _ in range(5):
        world.runtime.courier("main").deliver()

    assert len(simulator.calls()) == 3
    assert world.health().failures == 1
    assert world.due() == 40
    assert not [one for one in world.problems() if one[0] == "failing"]


def test_a_poisonous_event_holds_back_neither_its_person_nor_their_other_events(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(delivery=QUICK)
    poison(simulator, "of-glass", status=500)
    events = [event("Signed up", f"e{number}", properties={"slipper": "of-wood"}) for number in range(4)]
    events[2] = event("Signed up", "e2", properties={"slipper": "of-glass"})
    world.take(message("u1", 1, *events, plan="gold"), *people(5, 6))
    deliver_until(world, lambda: len(simulator.events("u1")) == 3)
    assert simulator.people().keys() == {"u1", "u5-", "u6-"}
    deliver_until(world, lambda: attempts(world, "u1") >= 1)

    simulator.go_wrong()
    deliver_until(world, lambda: not world.due())
    assert len(simulator.events("u1")) == 4


def test_what_is_said_meanwhile_arrives_once_they_fail_no_more(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(delivery=QUICK)
    poison(simulator, "u3-", status=500)
    world.take(*people(3, 4))
    deliver_until(world, lambda: attempts(world, "u3-") >= 1)
    world.take(message("u3-", 2, plan="silver"))
    simulator.go_wrong()
    deliver_until(world, lambda: not world.due())
    assert simulator.people()["u3-"] == {"plan": "silver"}


def test_a_foreign_answer_is_a_problem_of_the_connection_until_it_is_over(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(delivery=QUICK)
    simulator.go_wrong({"path": BATCH, "status": 400, "body": "<html>no</html>"})
    world.take(*people(*range(20)))
    world.runtime.courier("main").deliver()

    assert len(simulator.calls()) == 3
    assert not world.tallies().get("refused")
    [(kind, subject, reason)] = world.problems()
    assert (kind, subject) == ("connection", "main")
    assert "not Customer.io's" in reason

    simulator.go_wrong()
    deliver_until(world, lambda: len(simulator.people()) == 20)
    deliver_until(world, lambda: not world.problems())


def test_a_poisonous_event_of_nobody_holds_back_no_other(
    make_world: Callable[..., World], simulator: Simulated
) -> None:
    world = make_world(delivery=QUICK, sync={"anonymous_events": True})
    poison(simulator, "of-glass", status=500)
    for number, slipper in enumerate(["of-wood", "of-glass", "of-felt", "of-straw"]):
        said = event("Signed up", f"e{number}", properties={"slipper": slipper})
        world.take(message(f"visitor-{number}", 1, said, external_id=..., anonymous_ids=[f"a{number}"]))
    deliver_until(world, lambda: len(simulator.anonymous()) == 3)
    deliver_until(world, lambda: attempts(world, "visitor-1") >= 1)

    simulator.go_wrong()
    deliver_until(world, lambda: len(simulator.anonymous()) == 4)
    deliver_until(world, lambda: not world.due())
