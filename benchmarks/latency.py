"""From publish to confirmed, at a steady pace well below the limit: what somebody waits for one change."""

import json
import time
from math import ceil

from benchmarks.fleet import Figures, Fleet
from benchmarks.held import identifier
from benchmarks.notifications import Notifications
from benchmarks.progress import watched
from benchmarks.publisher import Pace, Publisher
from benchmarks.stage import BACKFILL_QUEUE, Stage, pause, resume
from connector.errors import ConnectorError

PEOPLE_A_CHANGE = 10
"""So that hardly anybody is named twice but by the repeats and those who change soon again."""


def measure(
    fleet: Fleet, *, per_second: float, seconds: float, answer_seconds: float, backfill: int = 0, seed: str = "latency"
) -> Figures:
    """Publishes so many notifications a second to a Customer.io that answers after a while.

    What counts is each user's first notification, of those who do not leave: from its publishing until the simulator
    has applied it and answers, by its own activity log. With `backfill` so many wait in the queue of bulk loads when it
    begins.
    """
    changes = round(per_second * seconds)
    given = Notifications(changes, changes * PEOPLE_A_CHANGE, seed)
    fleet.stage.empty_simulators(latency=answer_seconds)
    published: dict[str, float] = {}
    pace = Pace(per_second)
    leaving = {step.person for step in given.steps if not step.inside}

    def before_each(number: int) -> None:
        pace(number)
        step = given.steps[number]
        if step.person not in leaving:
            published.setdefault(identifier(given.name(step.person)), time.time())

    with watched(fleet.store) as progress:
        if backfill:
            _wait_behind(fleet, backfill)
        fleet.publisher.publish(given.bodies(), before_each)
        waiting = backfill + changes - progress.samples[-1].taken_in
        progress.until_confirmed(given.changes + backfill)
    confirmed = created(fleet.stage)
    missing = published.keys() - confirmed.keys()
    if missing:
        raise ConnectorError(f"{len(missing)} people are not in Customer.io at the end")
    waits = sorted(1000 * (confirmed[name] - at) for name, at in published.items())
    shares = {"median": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
    return {
        "changes": given.changes,
        "changes_a_second": per_second,
        "answer_ms": 1000 * answer_seconds,
        "backfill": backfill,
        "waiting_at_the_end": waiting,
        "measured": len(waits),
        "milliseconds": {name: round(percentile(waits, share)) for name, share in shares.items()},
    }


def _wait_behind(fleet: Fleet, backfill: int) -> None:
    """Fills the queue of bulk loads while the fleet stands still."""
    bodies = list(Notifications(backfill, seed="backfill").bodies())
    pause(fleet.workers)
    publisher = Publisher(fleet.stage.rabbitmq.url, BACKFILL_QUEUE)
    publisher.publish(bodies)
    publisher.close()
    resume(fleet.workers)


def created(stage: Stage) -> dict[str, float]:
    """Returns when each person came to be in the simulator, in unix seconds, by id; of two times, the first."""
    with stage.client.stream("GET", f"{stage.simulator}/_simulator/activity?type=profile_create") as answer:
        entries = [json.loads(line) for line in answer.iter_lines()]
    return {entry["identifiers"]["id"]: entry["at"] for entry in reversed(entries)}


def percentile(ordered: list[float], share: float) -> float:
    """Returns the smallest value that at least this share of all does not exceed; `ordered` is not empty."""
    return ordered[ceil(share * len(ordered)) - 1]
