"""Order: messages that one publisher puts on the queue one behind the other end as if applied in that order.

Without versions, and with whole-second ones, only the order counts: whoever applies two messages of one user in the
other order, or an older one once more, leaves the person wrong for good. FAULT_SEEDS=20 plays so many lives.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.fleet import CHILD_KILLED, STARVED, Fleet, Program
from tests.in_order import Message, stories, wrong
from tests.moments import chance
from tests.nursery import READER
from tests.servers import eventually

SEEDS = range(int(os.environ.get("FAULT_SEEDS", "1")))
USERS, CHANGES = 800, 6
PACE = 600.0
STILL_SECONDS = 20.0
"""Longer than a lease of a reader lasts, and than RabbitMQ waits for one that is silent."""


@pytest.fixture
def ordered(fleet: Fleet) -> Iterator[Callable[[int], Fleet]]:
    """The fleet with so many workers, which read our own format."""
    fleet.end_workers()

    def started(workers: int) -> Fleet:
        for _ in range(workers):
            start(fleet)
        fleet.until_ready()
        return fleet

    yield started
    fleet.dismiss()


def start(fleet: Fleet) -> Program:
    return fleet.start_worker(CONNECTOR__INTAKE__FORMAT="native", CONNECTOR__INTAKE__BATCH_MESSAGES="100")


def check(fleet: Fleet, told: list[Message]) -> None:
    fleet.until_settled()
    assert wrong(told, fleet.simulator.people()) == {}
    assert fleet.problems() == set()
    assert fleet.tracebacks() <= {*CHILD_KILLED, STARVED}


def holder(fleet: Fleet, queue: str = "segment-changes") -> str:
    with fleet.store.reading() as tx:
        found = tx.execute(text("SELECT holder FROM lease WHERE name = :name"), {"name": f"queue {queue}"})
        return str(found.scalar() or "")


def reader_of(worker: Program) -> int:
    """The process of a worker's reader."""

    def found() -> int:
        lists = Path(f"/proc/{worker.popen.pid}/task").glob("*/children")  # a thread of the worker's has started it
        started = [child for each in lists for child in each.read_text().split()]
        return next((int(one) for one in started if Path(f"/proc/{one}/comm").read_text().strip() == READER), 0)

    return int(eventually(found))


def reading(fleet: Fleet) -> Program:
    """The worker whose reader reads the queue."""

    def found() -> Program | None:
        name = holder(fleet)
        return next((worker for worker in fleet.workers if f" {worker.popen.pid}." in name), None)

    worker: Program = eventually(found)
    return worker


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("workers", [1, 4])
def test_messages_one_right_behind_the_other_count_in_their_order(
    ordered: Callable[[int], Fleet], prefix: str, workers: int, seed: int
) -> None:
    told = stories(prefix, USERS, CHANGES, seed)
    fleet = ordered(workers)
    with fleet.flowing(told, pace=2000.0):
        pass
    check(fleet, told)


@pytest.mark.parametrize("seed", SEEDS)
def test_they_do_when_readers_are_killed_in_the_middle(ordered: Callable[[int], Fleet], prefix: str, seed: int) -> None:
    told = stories(prefix, USERS, CHANGES, seed)
    random = chance(seed)
    fleet = ordered(2)
    with fleet.flowing(told, pace=PACE):
        for _ in range(4):
            fleet.until_sent(random.randint(50, 300))
            os.kill(reader_of(reading(fleet)), signal.SIGKILL)
    check(fleet, told)


@pytest.mark.parametrize("seed", SEEDS)
def test_they_do_when_the_whole_worker_of_the_reader_is_killed(
    ordered: Callable[[int], Fleet], prefix: str, seed: int
) -> None:
    told = stories(prefix, USERS, CHANGES, seed)
    random = chance(seed)
    fleet = ordered(2)
    with fleet.flowing(told, pace=PACE / 2):
        for whole in (True, False):
            fleet.until_sent(random.randint(50, 300))
            victim = fleet.remove(reading(fleet))
            victim.send(signal.SIGKILL, whole=whole)
            start(fleet)
            eventually(lambda victim=victim: reading(fleet) is not victim, 40)  # type: ignore[misc]  # a default
    check(fleet, told)


@pytest.mark.parametrize("seed", SEEDS)
def test_they_do_when_a_reader_stands_still_and_wakes_up_again(
    ordered: Callable[[int], Fleet], prefix: str, seed: int
) -> None:
    """It wakes up with messages in its memory that another has taken in meanwhile."""
    told = stories(prefix, USERS, CHANGES, seed)
    fleet = ordered(2)
    with fleet.flowing(told, pace=PACE / 3):
        fleet.until_sent(200)
        still = reading(fleet)
        reader = reader_of(still)
        os.kill(reader, signal.SIGSTOP)
        time.sleep(STILL_SECONDS)
        eventually(lambda: reading(fleet) is not still, 60)
        os.kill(reader, signal.SIGCONT)
    check(fleet, told)


@pytest.mark.parametrize("seed", SEEDS)
def test_they_do_through_rolling_restarts(ordered: Callable[[int], Fleet], prefix: str, seed: int) -> None:
    told = stories(prefix, USERS, CHANGES, seed)
    fleet = ordered(2)
    with fleet.flowing(told, pace=PACE / 6):
        for _ in range(2):
            fleet.until_sent(50)
            start(fleet).until_it_says("ready.")
            assert fleet.remove(fleet.workers[0]).end() == 0
    check(fleet, told)
