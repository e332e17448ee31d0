"""End to end in fleet mode: from notifications in RabbitMQ to people confirmed by Customer.io."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import held, postgres
from benchmarks.notifications import Notifications
from benchmarks.progress import Progress, rates, times, watched
from benchmarks.publisher import Publisher
from benchmarks.stage import QUEUE, Process, Size, Stage, pause, resume
from connector.errors import ConnectorError
from tasks.reader.queue_leases import LOOK_SECONDS

WARM_UP = Notifications(400, 200, seed="warm-up")
_SHARED_OUT_SECONDS = 2 * LOOK_SECONDS + 2
Figures = dict[str, Any]
"""What a benchmark found, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet at work on a database of its own, with every connection open, and simulators that know nobody."""

    stage: Stage
    size: Size
    workers: list[Process]
    publisher: Publisher
    store: str


@contextmanager
def working(stage: Stage, database: str, size: Size, environ: Mapping[str, str] = {}) -> Iterator[Fleet]:
    """Yields a fleet, warmed up on notifications about a few people of its own; `environ`: settings of it alone."""
    store = stage.postgres.database(database)
    with stage.fleet(database, size, environ) as workers:
        publisher = Publisher(stage.rabbitmq.url, QUEUE)
        try:
            fleet = Fleet(stage, size, workers, publisher, store)
            warm(fleet)
            yield fleet
        except ConnectorError as error:
            raise ConnectorError(f"{error}\n{stage.complaints()}") from error
        finally:
            publisher.close()


def warm(fleet: Fleet, until: Callable[[Progress, int], None] = Progress.until_confirmed) -> None:
    """Sends a few notifications through the fleet, so that all that is opened once is open; then nobody is known.

    Of several readers it waits until they have shared the queues out: one that changes hands is not read meanwhile.
    """
    with watched(fleet.store) as progress:
        fleet.publisher.publish(WARM_UP.bodies())
        until(progress, WARM_UP.changes)
    if fleet.size.workers > 1:
        time.sleep(_SHARED_OUT_SECONDS)
    fleet.stage.empty_simulators()


def measure(fleet: Fleet, given: Notifications, *, preloaded: bool = True) -> Figures:
    """Sends the notifications through the fleet. Returns what that took. Raises ConnectorError if people are wrong.

    preloaded: the queue is filled before the fleet begins; else the publisher runs beside it.
    """
    stage = fleet.stage
    stage.empty_simulators()
    bodies = list(given.bodies())
    if preloaded:  # in no more time than the broker and the leases of readers bear with
        pause(fleet.workers)
        fleet.publisher.publish(bodies)
    with watched(fleet.store) as progress, postgres.counted(fleet.store) as counts:
        before = stage.cpu()
        if preloaded:
            resume(fleet.workers)
        else:
            fleet.publisher.publish(bodies)
        progress.until_confirmed(given.changes)
        after = stage.cpu()
    check(stage, given)
    return {**figures(fleet, given, progress, before, after), "preloaded": preloaded, "postgres": counts.told}


def figures(
    fleet: Fleet, given: Notifications, progress: Progress, before: dict[str, float], after: dict[str, float]
) -> Figures:
    """Returns a run in numbers: seconds, notifications a second in all and in each tenth, CPU seconds, requests."""
    tenths = times(progress.begun, given.changes)
    cpu = {group: round(seconds - before.get(group, 0.0), 2) for group, seconds in after.items()}
    own = sum(seconds for group, seconds in cpu.items() if group.startswith("workers ")) + cpu["beat"]
    servers = cpu["postgres"] + cpu["rabbitmq"]
    summary = fleet.stage.summary()
    return {
        "changes": given.changes,
        "people": len({step.person for step in given.steps}),
        "workers": fleet.size.workers,
        "concurrency": fleet.size.concurrency,
        "cores": os.cpu_count(),
        "seconds": round(tenths[-1], 2),
        "per_second": round(given.changes / tenths[-1]),
        "tenths": [round(rate) for rate in rates(tenths, given.changes)],
        "cpu": cpu,
        "microseconds": round(1e6 * (own + servers) / given.changes),
        "per_cpu_second": round(given.changes / own),
        "per_cpu_second_with_servers": round(given.changes / (own + servers)),
        "requests": summary["calls"],
        "operations": summary["items"],
        "bytes_an_operation": round(bytes_an_operation(fleet.stage), 1),
        "servers": fleet.stage.versions(),
    }


def bytes_an_operation(stage: Stage) -> float:
    """Returns what an operation takes in the body of a request, by the simulator's list of its last calls."""
    answer = stage.client.get(f"{stage.simulator}/_simulator/calls")
    calls = [json.loads(line) for line in answer.text.splitlines()]
    return sum(int(call["bytes"]) for call in calls) / max(1, sum(int(call["items"]) for call in calls))


def check(stage: Stage, given: Notifications) -> None:
    """Raises ConnectorError if a simulator does not hold exactly what it must."""
    for url in stage.simulators:
        wrong = differences(stage, url, given)
        if wrong:
            raise ConnectorError(f"{len(wrong)} people are wrong at the end: {held.shown(wrong)}")


def differences(stage: Stage, url: str, given: Notifications) -> list[str]:
    """Returns what a simulator's people are not, but must be."""
    with stage.client.stream("GET", f"{url}/_simulator/people") as answer:
        return held.differences(held.expected(given), held.read(answer.iter_lines()))
