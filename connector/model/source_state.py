"""A source's runs as the store knows them, and when the next one is due."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

from connector.model.schedule import Every, Schedule

_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 300.0, 3600.0
_MOST_DOUBLINGS = 10


class Counts(NamedTuple):
    """The counts of a run: rows read, those fed to intake, and those that were unreadable or repeated.

    changed: rows that are new or differ from the last run; left: rows of the last run that are gone; unreadable: rows
    that are problems now; repeated: rows whose key another row had before them, which are passed over.
    """

    rows: int = 0
    changed: int = 0
    left: int = 0
    unreadable: int = 0
    repeated: int = 0


NO_COUNTS = Counts()


class LastRun(Protocol):
    """The times known of the runs of a source or of an export, in unix seconds."""

    @property
    def first_seen_at(self) -> float:
        """The time when it was first seen in the settings, in unix seconds."""

    @property
    def started_at(self) -> float | None:
        """The time when the last run began, in unix seconds; None before the first."""

    @property
    def ended_at(self) -> float | None:
        """The time when the last run ended, in unix seconds; None while it is on its way."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """The state of a source, in unix seconds. started_at, ended_at: of the last run; ended_at is None while it runs.

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
        """Says whether a run has begun and not ended: a process is running it, or it was interrupted."""
        return self.started_at is not None and self.ended_at is None


def due_at(state: SourceState, schedule: Schedule | None) -> float | None:
    """Returns when the next run is due, in unix seconds (0: at once); None where only a human can ask for one.

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
    """Returns from when on a run is due, in unix seconds; None where only a human can ask for one.

    A human's request does not count here: the time of it is not kept.
    """
    return since_known(due_at(replace(state, asked=False), schedule), state)


def since_known(due: float | None, run: LastRun) -> float | None:
    """Returns `due`, but no earlier than it can have been known.

    What is due at once is so since it was interrupted, or since it is in the settings. A run that took longer than the
    schedule has the next one due at its end.
    """
    return None if due is None else max(due, run.ended_at or run.started_at or run.first_seen_at)


def retry_seconds(failures: int) -> float:
    """Returns the back-off after so many failures in a row, in seconds."""
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
