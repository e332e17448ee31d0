"""A job: a long piece of work over a sync, done a little at a time, and how much of it may be done now."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

JobState = Literal["running", "paused", "done", "cancelled"]
UNDER_WAY: tuple[JobState, ...] = ("running", "paused")
"""The states of a job that has not come to its end."""

BURST_SECONDS = 5.0
"""The longest time, in seconds, for which a job that stood still catches up on its pace."""


@dataclass(frozen=True, slots=True)
class Job:
    """The progress of a job.

    position: the last key that was done; total: how many people there were at the start; done: how many are done;
    per_second: the pace it must keep to; counts: what came of them, by name. created_at and updated_at: unix seconds.
    started_by: who has begun it, "" where nobody noted that; asked: what it is to do, as JSON, "" where its kind and
    its sync say all.
    """

    id: str
    sync: str
    kind: str
    state: JobState = "running"
    position: str = ""
    total: int = 0
    done: int = 0
    per_second: float = 1.0
    counts: Mapping[str, int] = field(default_factory=dict)
    created_at: float = 0.0
    updated_at: float = 0.0
    started_by: str = ""
    asked: str = ""

    def allowed(self, now: float) -> int:
        """Returns how many people the pace allows at `now` (unix seconds), by the time since the last advance."""
        return int((now - self._saved_since(now)) * self.per_second)

    def advanced(self, now: float, position: str, people: int, counts: Mapping[str, int]) -> "Job":
        """Returns the job with more people done, who have used up their part of the pace.

        Args:
            now: The store's time, in unix seconds.
            position: The key up to which everybody is done.
            people: How many more are done.
            counts: How many of them came to what, by name.
        """
        return replace(
            self,
            position=position,
            done=self.done + people,
            counts=dict(Counter(self.counts) + Counter(counts)),
            updated_at=self._saved_since(now) + people / self.per_second,
        )

    def waited(self, now: float) -> "Job":
        """Returns the job after it had to wait for something other than its pace: the wait is not made up for."""
        return replace(self, updated_at=now)

    def ended(self, now: float) -> "Job":
        """Returns the job as done at `now`, in unix seconds."""
        return replace(self, state="done", updated_at=now)

    def _saved_since(self, now: float) -> float:
        """Returns the unix seconds from which the pace is unused: at most a burst ago, and one person's time.

        A clock that was set back adds nothing.
        """
        longest = BURST_SECONDS + 1 / self.per_second
        return min(max(self.updated_at, now - longest), now)
