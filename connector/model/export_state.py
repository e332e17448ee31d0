"""An export's runs as the store knows them, and when the next one is due."""

from dataclasses import dataclass, replace
from typing import Literal

from connector.model.schedule import Schedule
from connector.model.source_state import retry_seconds, since_known

ExportKind = Literal["changes", "snapshot", "runs"]
"""The kinds of export: what Customer.io has answered of each person, who is held now, and which runs there were."""


@dataclass(frozen=True, slots=True)
class ExportState:
    """The state of an export, in unix seconds. started_at, ended_at: of the last run; ended_at is None while it runs.

    asked: a human wants it now. position: up to where it has written, as its kind has it, "" for the beginning. rows:
    how many the last run wrote; total: all of them together. failures: how many runs in a row failed, the first of them
    at failing_since; `error` says why the last one did.
    """

    name: str
    first_seen_at: float
    asked: bool = False
    position: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    rows: int = 0
    total: int = 0
    failures: int = 0
    failing_since: float | None = None
    error: str = ""

    @property
    def under_way(self) -> bool:
        """Says whether a run has begun and not ended: a process is running it, or it was interrupted."""
        return self.started_at is not None and self.ended_at is None


def due_at(state: ExportState, schedule: Schedule | None) -> float | None:
    """Returns when the next run is due, in unix seconds (0: at once); None where only a human can ask for one.

    A run that was interrupted goes on at once. One that failed is tried again sooner than the schedule says, with
    pauses that grow.
    """
    if state.asked or state.under_way:
        return 0.0
    if schedule is None:
        return None
    if state.started_at is None:
        return 0.0
    regular = schedule.after(state.started_at)
    if not state.failures or state.ended_at is None:
        return regular
    return min(regular, state.ended_at + retry_seconds(state.failures))


def due_since(state: ExportState, schedule: Schedule | None) -> float | None:
    """Returns from when on a run is due, in unix seconds; None where only a human can ask for one.

    A human's request does not count here: the time of it is not kept.
    """
    return since_known(due_at(replace(state, asked=False), schedule), state)
