"""A job: a long piece of work over a sync, done a little at a time, and how much of it may be done now."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

JobState = Literal["running", "paused", "done", "cancelled"]
UNDER_WAY: tuple[JobState, ...] = ("running", "paused")
"""The states of a job that has not come to its end."""

BURST_SECONDS = 5.0
"""A job that nobody took further for a while makes up for this long and not for more."""


@dataclass(frozen=True, slots=True)
class Job:
    """How far a job has come.

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
        """How many people the pace allows to do now: what was saved up since the job was last taken further."""
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
        """The job where it had to wait for something else than its pace: nothing is saved up for later."""
        return replace(self, updated_at=now)

    def ended(self, now: float) -> "Job":
        """The job at its end."""
        return replace(self, state="done", updated_at=now)

    def _saved_since(self, now: float) -> float:
        """From when on the pace has not been used yet: a burst at the most, and the rest of one person's time.

        A clock that was put back saves nothing up.
        """
        longest = BURST_SECONDS + 1 / self.per_second
        return min(max(self.updated_at, now - longest), now)
