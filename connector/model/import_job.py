"""An import job: what is done with what Customer.io reports, in one direction; it can be paused and ended."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

ImportDirection = Literal["in", "out"]
"""in: the webhooks of a connection become profiles; out: they go on to a target."""
ImportState = Literal["running", "paused", "ended"]


class ImportJob(NamedTuple):
    """One job. name: the connection or the target; label and description are for people. Times are unix seconds."""

    id: str
    direction: ImportDirection
    name: str
    label: str = ""
    description: str = ""
    state: ImportState = "running"
    started_at: float = 0.0
    changed_at: float = 0.0


def latest(jobs: Iterable[ImportJob]) -> dict[tuple[ImportDirection, str], ImportJob]:
    """Returns the job that counts for each direction and name: the one that was started last."""
    return {(each.direction, each.name): each for each in sorted(jobs, key=lambda job: (job.started_at, job.id))}


def standing_still(jobs: Iterable[ImportJob], direction: ImportDirection) -> dict[str, ImportState]:
    """Returns the names whose job is paused or ended. Where no job was ever started the work goes on."""
    found = latest(jobs)
    return {name: job.state for (of, name), job in found.items() if of == direction and job.state != "running"}
