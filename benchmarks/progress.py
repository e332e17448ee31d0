"""How far a fleet is, as its store tells."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import psycopg

from benchmarks.watching import Watch
from connector.errors import ConnectorError

_EVERY = 0.1
_STALLED_SECONDS = 90.0
_HOW_FAR = """
SELECT coalesce((SELECT sum(count) FROM tally WHERE sync = '' AND name = 'messages'), 0)::bigint,
       (SELECT count(*) FROM entity WHERE due_at IS NOT NULL)
"""


class Sample(NamedTuple):
    """At `at`, in seconds of a steady clock, so many changes had been taken in, and so many people were due."""

    at: float
    taken_in: int
    due: int

    @property
    def confirmed(self) -> int:
        """The number of changes Customer.io has confirmed: all that were taken in but the last ones of people due."""
        return max(0, self.taken_in - self.due)


class Progress:
    """What a store has told since it began to be watched."""

    def __init__(self, watch: Watch[Sample]) -> None:
        self._watch = watch

    @property
    def samples(self) -> Sequence[Sample]:
        """All samples so far; there is at least one."""
        return self._watch.seen

    @property
    def begun(self) -> Sequence[Sample]:
        """The samples from the last one on before anything was taken in: a fleet that stood still takes a moment."""
        return begun(self._watch.seen)

    def until_confirmed(self, changes: int) -> None:
        """Returns when so many changes are confirmed. Raises ConnectorError if nothing moves any more."""
        self._until(changes, lambda last: last.taken_in >= changes and not last.due)

    def until_taken_in(self, changes: int) -> None:
        """Returns when so many changes are taken in. Raises ConnectorError if nothing moves any more."""
        self._until(changes, lambda last: last.taken_in >= changes)

    def _until(self, changes: int, done: Callable[[Sample], bool]) -> None:
        moved, before = time.monotonic(), self.samples[-1]
        while not done(last := self.samples[-1]):
            if last[1:] != before[1:]:
                moved, before = time.monotonic(), last
            if time.monotonic() - moved > _STALLED_SECONDS or not self._watch.alive:
                raise ConnectorError(f"the fleet has stopped at {last}, of {changes} changes")
            time.sleep(_EVERY / 4)


@contextmanager
def watched(url: str) -> Iterator[Progress]:
    """Yields the fleet's progress on this store (a SQLAlchemy URL), counted from where it is when the block begins."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET enable_seqscan = off")  # looking must cost little, also in a store without statistics
        before = _sample(connection).taken_in

        def look() -> Sample:
            sample = _sample(connection)
            return sample._replace(taken_in=sample.taken_in - before)

        with Watch(look, _EVERY) as watch:
            yield Progress(watch)


def _sample(connection: psycopg.Connection) -> Sample:
    taken_in, due = connection.execute(_HOW_FAR).fetchone() or (0, 0)
    return Sample(time.monotonic(), taken_in, due)


def begun(samples: Sequence[Sample]) -> Sequence[Sample]:
    """Returns the samples without those at the beginning in which nothing had happened, but for the last of these."""
    first = next((number for number, sample in enumerate(samples) if sample.taken_in or sample.due), 0)
    return samples[max(0, first - 1) :]


def times(samples: Sequence[Sample], changes: int, parts: int = 10) -> list[float]:
    """Returns the seconds after which each tenth (or other part) was confirmed; samples are joined by lines."""
    found: list[float] = []
    for last, sample in pairwise(samples):
        while len(found) < parts and sample.confirmed >= (wanted := changes * (len(found) + 1) / parts):
            share = (wanted - last.confirmed) / max(1, sample.confirmed - last.confirmed)
            found.append(last.at + max(0.0, share) * (sample.at - last.at) - samples[0].at)
    return found


def rates(seconds: Sequence[float], changes: int) -> list[float]:
    """Returns the changes a second in each part, from what `times` gave."""
    part = changes / len(seconds)
    return [part / max(0.001, end - begin) for begin, end in zip((0.0, *seconds), seconds, strict=False)]
