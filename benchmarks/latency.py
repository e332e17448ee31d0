"""From publish to confirmed, at a steady pace well below the limit: what somebody waits for one change."""

import json
import time
from math import ceil

from benchmarks.fleet import Figures, Fleet
from benchmarks.input import Input
from benchmarks.progress import watched
from benchmarks.publisher import Pace
from benchmarks.stage import Stage


def measure(fleet: Fleet, *, per_second: float, seconds: float, answer_seconds: float) -> Figures:
    """Publishes so many changes a second, each about somebody new, to a Customer.io that answers after a while.

    The end is when the simulator has applied the change and answers, by its own activity log.
    """
    given = Input(changes=round(per_second * seconds), people=round(per_second * seconds), seed="latency")
    fleet.stage.empty_simulator(latency=answer_seconds)
    names = [given.name(person) for person, _ in given.order()]
    published: dict[str, float] = {}
    pace = Pace(per_second)

    def before_each(number: int) -> None:
        pace(number)
        published[names[number]] = time.time()

    with watched(fleet.store) as progress:
        fleet.publisher.publish(given.bodies(), before_each)
        progress.until_confirmed(given.changes)
    confirmed = created(fleet.stage)
    waits = sorted(1000 * (confirmed[name] - at) for name, at in published.items())
    shares = {"median": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
    return {
        "changes": given.changes,
        "changes_a_second": per_second,
        "answer_ms": 1000 * answer_seconds,
        "milliseconds": {name: round(percentile(waits, share)) for name, share in shares.items()},
    }


def created(stage: Stage) -> dict[str, float]:
    """When each person came to be in the simulator, in unix seconds, by id."""
    with stage.client.stream("GET", f"{stage.simulator}/_simulator/activity?type=profile_create") as answer:
        entries = [json.loads(line) for line in answer.iter_lines()]
    return {entry["identifiers"]["id"]: entry["at"] for entry in entries}


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that at least this share of all does not exceed; `ordered` is not empty."""
    return ordered[ceil(share * len(ordered)) - 1]
