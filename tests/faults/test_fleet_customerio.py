"""Customer.io answers wrongly, late, not at all or with a refusal while changes flow: it ends up right all the same."""

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest

from tests.fleet import PUBLISHERS, Fleet
from tests.lives import Message, lives, shared_out
from tests.servers import eventually

BATCH = "/api/v2/batch"
HTML = "<html><body>Bad gateway</body></html>"
FAULTS: dict[str, dict[str, Any]] = {
    "429 with Retry-After": {"status": 429, "retry_after": 1, "times": 3},
    "429 without": {"status": 429, "times": 4},
    "500": {"status": 500, "times": 4},
    "503": {"status": 503, "times": 4},
    "HTML": {"status": 502, "body": HTML, "times": 4},
    "HTML as if all were well": {"status": 200, "body": HTML, "times": 4},
    "empty": {"status": 200, "body": "", "times": 4},
    "reset before": {"drop": "before", "times": 4},
    "reply lost": {"drop": "after", "times": 4},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_customerio_failing_costs_nothing_but_time(fleet: Fleet, prefix: str, fault: dict[str, Any]) -> None:
    told = lives(prefix)
    fleet.simulator.go_wrong({"path": BATCH, "after": 3, "probability": 0.7, "seed": 1, **fault})
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        pass
    fleet.check(told)
    assert fleet.simulator.fired() == [fault["times"]]


def test_everything_going_wrong_at_once_costs_nothing_but_time(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    some = {"path": BATCH, "probability": 0.2}
    fleet.simulator.go_wrong(*(
        {**some, **each, "seed": number, "times": 2} for number, each in enumerate(FAULTS.values())
    ))  # fmt: skip
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        pass
    fleet.check(told)


# --- credentials -----------------------------------------------------------------------------------------------------


def test_refused_credentials_pause_everybody_until_an_operator_says_so(fleet: Fleet, prefix: str) -> None:
    told = lives(prefix)
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        fleet.until_sent(500)
        fleet.simulator.go_wrong({"path": BATCH, "status": 401})
        eventually(lambda: 401 in fleet.simulator.statuses())
    eventually(lambda: "connection paused" in "".join(worker.said for worker in fleet.workers))
    time.sleep(1)  # who was on the way when the first was refused has been answered by then
    asked = fleet.simulator.statuses().count(401)
    time.sleep(2)
    assert fleet.simulator.statuses().count(401) == asked <= 4
    fleet.simulator.go_wrong()
    fleet.connector("resume", "main")
    fleet.check(told)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_refused_item_is_a_problem_and_its_neighbours_go_through(fleet: Fleet, prefix: str) -> None:
    _check_refused(fleet, prefix, {"items": f"{prefix}-70"})


def test_a_poison_item_is_found_in_its_batch_and_its_neighbours_go_through(fleet: Fleet, prefix: str) -> None:
    _check_refused(fleet, prefix, {"path": BATCH, "status": 400, "containing": f'"{prefix}-70"'})


def _check_refused(fleet: Fleet, prefix: str, fault: dict[str, Any]) -> None:
    """One user's items are refused; once they are not any more, an operator has them sent again."""
    user = f"{prefix}-70"
    told = lives(prefix)
    fleet.simulator.go_wrong(fault)
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        pass
    fleet.check(_of_others(told, user), problems=[("refused", user)])
    fleet.simulator.go_wrong()
    for line in fleet.connector("problems", "--json").splitlines():
        fleet.connector("problems", "replay", json.loads(line)["id"])
    fleet.check(told)


def test_a_person_at_whom_customerio_fails_waits_alone_until_it_is_over(fleet: Fleet, prefix: str) -> None:
    told, user = lives(prefix), f"{prefix}-70"
    fleet.simulator.go_wrong({"path": "/api", "containing": f'"{user}"', "status": 500})
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        pass
    eventually(lambda: ("failing", user) in fleet.problems())
    eventually(lambda: fleet.status()["syncs"]["main"]["due"] == 1)
    assert user not in fleet.simulator.people()
    fleet.simulator.go_wrong()
    fleet.check(told)


def _of_others(told: Sequence[Message], user: str) -> list[Message]:
    return [message for message in told if message["user"]["id"] != user]


# --- time-outs -------------------------------------------------------------------------------------------------------


def test_customerio_slower_than_the_time_out_costs_nothing_but_time(fleet: Fleet, prefix: str) -> None:
    """The pauses are longer than the answers are late: what Customer.io does after a retry, nobody can put right."""
    told = lives(prefix)
    fleet.end_workers()
    for _ in range(2):
        fleet.start_worker(CONNECTOR__DELIVERY__BACKOFF_SECONDS="2.0", CONNECTOR__DELIVERY__BACKOFF_MAX_SECONDS="2.0")
    fleet.until_ready()
    fleet.simulator.go_wrong({"path": BATCH, "after": 3, "latency": 1.2, "times": 2})
    with fleet.flowing(*shared_out(told, PUBLISHERS)):
        pass
    fleet.check(told)
    assert fleet.simulator.fired() == [2]
    fleet.dismiss()
