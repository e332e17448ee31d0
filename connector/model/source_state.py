"""A source's runs as the store knows them, and when the next one is due."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from connector.model.schedule import Every, Schedule

_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 300.0, 3600.0
_MOST_DOUBLINGS = 10


class Counts(NamedTuple):
    """What came of a run: rows read, those fed to intake, and what of them was not plain.

    changed: rows that the last run did not have so; left: rows of the last run that are gone; unreadable: rows that are
    problems now; repeated: rows whose key another row had before them, which are passed over.
    """

    rows: int = 0
    changed: int = 0
    left: int = 0
    unreadable: int = 0
    repeated: int = 0


NO_COUNTS = Counts()


class LastRun(Protocol):
    """What is known of the runs of a source or of an export. Times are unix seconds."""

    @property
    def first_seen_at(self) -> float:
        """When it was first seen in the settings."""

    @property
    def started_at(self) -> float | None:
        """When the last run began."""

    @property
    def ended_at(self) -> float | None:
        """When the last run ended; None while it is on its way."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """Times are unix seconds. started_at, ended_at: of the last run; ended_at is None while it is on its way.

    asked: a human wants it now; may_leave: however many rows are gone, a human has said that they are; again: every row
    is to be fed, changed or not. failures: how many runs in a row failed, `error` says why the last one did.
    cursor: up to where a source with one has been read, as `mark` writes it.
    """

    name: str
    first_seen_at: float
    asked: bool = False
    may_leave: bool = False
    again: bool = False
    started_at: float | None = None
    ended_at: float | None = None
    counts: Counts = NO_COUNTS
    failures: int = 0
    error: str = ""
    cursor: str | None = None

    @property
    def under_way(self) -> bool:
        """Whether a run has begun and not come to its end: somebody is at it, or it was interrupted."""
        return self.started_at is not None and self.ended_at is None


def due_at(state: SourceState, schedule: Schedule | None) -> float | None:
    """When the next run is due (0: at once); None where only a human can ask for one.

    A run that was interrupted starts over, or goes on, at once. One that failed is tried again sooner than the schedule
    says, with pauses that grow.
    """
    if state.asked or state.under_way:
        return 0.0
    if schedule is None:
        return None
    if state.started_at is None:
        return 0.0 if isinstance(schedule, Every) else schedule.after(state.first_seen_at)
    regular = schedule.after(state.started_at)
    if not state.failures or state.ended_at is None:
        return regular
    return min(regular, state.ended_at + retry_seconds(state.failures))


def due_since(state: SourceState, schedule: Schedule | None) -> float | None:
    """Since when a run is due, or from when on it will be; None where only a human can ask for one.

    That a human asks counts for nothing here: nobody notes when they do.
    """
    return since_known(due_at(replace(state, asked=False), schedule), state)


def since_known(due: float | None, run: LastRun) -> float | None:
    """Returns `due`, but no earlier than it can have been known.

    What is due at once is so since it was interrupted, or since it is in the settings. A run that took longer than the
    schedule has the next one due at its end.
    """
    return None if due is None else max(due, run.ended_at or run.started_at or run.first_seen_at)


def retry_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row."""
    doubled = _FIRST_RETRY_SECONDS * float(2 ** min(failures - 1, _MOST_DOUBLINGS))
    return min(doubled, _LONGEST_RETRY_SECONDS)


def too_many_gone(known: int, gone: int, share: float, at_least: int) -> bool:
    """Says whether so many rows are gone that a human should look first.

    That nothing at all is left counts however few there were: a query that gives nothing is rarely meant.

    Args:
        known: How many rows there were after the last run.
        gone: How many of them are gone.
        share: Which part of them may go, from 0 to 1.
        at_least: How many may go however few there were.
    """
    if not gone:
        return False
    return gone == known or (gone > at_least and gone > known * share)
