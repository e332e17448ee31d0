"""The fleet, the undurable script and a Celery task for each, in turn, on the same machine within the same minutes."""

from statistics import median
from typing import Any

from benchmarks import instead
from benchmarks.fleet import Figures, measure, working
from benchmarks.notifications import Notifications
from benchmarks.stage import Size, Stage, pause, resume

Runs = list[Figures]


def run(stage: Stage, changes: int, rounds: int, size: Size) -> Figures:
    """Runs so many rounds, each with other people. Returns the figures of the middle one of each, and their ratio.

    Args:
        stage: Servers of its own.
        changes: Notifications of a run; the Celery tasks get a twentieth of them, once, since they are so much slower.
        rounds: How often the fleet and the script take turns.
        size: The fleet.
    """
    fleets: Runs = []
    scripts: Runs = []
    with working(stage, stage.database("race"), size) as fleet:
        for number in range(rounds):
            given = Notifications(changes, seed=f"round {number}")
            fleets.append(measure(fleet, given))
            pause(fleet.workers)
            scripts.append(instead.script(stage, given))
            resume(fleet.workers)
    celery = instead.celery(stage, Notifications(max(1, changes // 20)), 2)
    return {
        **middle(fleets),
        "rounds": [each["per_second"] for each in fleets],
        "script": {**middle(scripts), "rounds": [each["per_second"] for each in scripts]},
        "celery": celery,
        "ratio": round(middle(fleets)["per_second"] / middle(scripts)["per_second"], 2),
    }


def middle(runs: Runs) -> dict[str, Any]:
    """Returns the run of the middle speed."""
    rate = median([each["per_second"] for each in runs])
    return min(runs, key=lambda each: abs(each["per_second"] - rate))
