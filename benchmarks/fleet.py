"""End to end in fleet mode: from changes in RabbitMQ to people confirmed by Customer.io."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.input import Input
from benchmarks.progress import Progress, rates, times, watched
from benchmarks.publisher import Publisher
from benchmarks.stage import QUEUE, Process, Stage, pause, resume
from connector.errors import ConnectorError

WARM_UP = Input(changes=400, people=200, seed="warm-up")
Figures = dict[str, Any]
"""What a benchmark found, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Size:
    """A fleet: how many workers, each with how many pool processes."""

    workers: int = 2
    concurrency: int = 2


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet at work on a database of its own, with every connection open, and a simulator that knows nobody."""

    stage: Stage
    size: Size
    workers: list[Process]
    publisher: Publisher
    store: str


@contextmanager
def working(stage: Stage, database: str, size: Size) -> Iterator[Fleet]:
    """A fleet that has warmed up on changes about a few people of its own."""
    store = stage.postgres.database(database)
    with stage.fleet(database, size.workers, size.concurrency) as workers:
        publisher = Publisher(stage.rabbitmq.url, QUEUE)
        try:
            with watched(store) as progress:
                publisher.publish(WARM_UP.bodies())
                progress.until_confirmed(WARM_UP.changes)
            stage.empty_simulator()
            yield Fleet(stage, size, workers, publisher, store)
        except ConnectorError as error:
            raise ConnectorError(f"{error}\n{stage.complaints()}") from error
        finally:
            publisher.close()


def measure(fleet: Fleet, given: Input, *, preloaded: bool) -> Figures:
    """Sends the changes through the fleet; what it took. ConnectorError where the simulator is not right at the end.

    preloaded: the queue is filled before the fleet begins; else the publisher runs beside it.
    """
    stage = fleet.stage
    if preloaded:
        pause(fleet.workers)
        fleet.publisher.publish(given.bodies())
    with watched(fleet.store) as progress:
        before = stage.cpu()
        if preloaded:
            resume(fleet.workers)
        else:
            fleet.publisher.publish(given.bodies())
        progress.until_confirmed(given.changes)
        after = stage.cpu()
    check(stage, given)
    return {**figures(fleet, given, progress, before, after), "preloaded": preloaded}


def figures(
    fleet: Fleet, given: Input, progress: Progress, before: dict[str, float], after: dict[str, float]
) -> Figures:
    """A run in numbers: seconds, changes a second in all and in each tenth, CPU seconds, requests."""
    tenths = times(progress.samples, given.changes)
    cpu = {group: round(seconds - before.get(group, 0.0), 2) for group, seconds in after.items()}
    own = cpu["workers main"] + cpu["workers pool"] + cpu["beat"]
    servers = cpu["postgres"] + cpu["rabbitmq"]
    summary = fleet.stage.summary()
    return {
        "changes": given.changes,
        "people": given.people,
        "workers": fleet.size.workers,
        "concurrency": fleet.size.concurrency,
        "cores": os.cpu_count(),
        "seconds": round(tenths[-1], 2),
        "per_second": round(given.changes / tenths[-1]),
        "tenths": [round(rate) for rate in rates(tenths, given.changes)],
        "cpu": cpu,
        "per_cpu_second": round(given.changes / own),
        "per_cpu_second_with_servers": round(given.changes / (own + servers)),
        "requests": summary["calls"],
        "operations": summary["items"],
        "bytes_an_operation": round(bytes_an_operation(fleet.stage), 1),
        "servers": fleet.stage.versions(),
    }


def bytes_an_operation(stage: Stage) -> float:
    """What an operation takes in the body of a request, by the simulator's list of its last calls."""
    answer = stage.client.get(f"{stage.simulator}/_simulator/calls")
    calls = [json.loads(line) for line in answer.text.splitlines()]
    return sum(int(call["bytes"]) for call in calls) / max(1, sum(int(call["items"]) for call in calls))


def check(stage: Stage, given: Input) -> None:
    """ConnectorError where the simulator does not hold everybody at their last version, with every event once."""
    wrong = wrong_people(stage, given)
    events = stage.summary()["events"]
    if wrong or events != given.events:
        raise ConnectorError(f"{wrong} people are not as last said, and there are {events} of {given.events} events")


def wrong_people(stage: Stage, given: Input) -> int:
    """How many people the simulator does not hold at their last version."""
    wanted = given.last_turns
    with stage.client.stream("GET", f"{stage.simulator}/_simulator/people") as answer:
        for line in answer.iter_lines():
            person = json.loads(line)
            name = person["identifiers"]["id"]
            if wanted.get(name) == person["attributes"].get("turn"):
                del wanted[name]
    return len(wanted)
