"""The activity log: what Customer.io says became of a call it answered 200 (docs/customerio.md#silent-failures)."""

import heapq
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

KEPT_OF_A_TYPE = 100_000


class ActivityEntry(NamedTuple):
    """One thing that happened to a person: `type` as Customer.io names it, `detail` says what exactly."""

    number: int
    type: str
    at: float
    identifiers: Mapping[str, str | None]
    detail: Mapping[str, Any]


class ActivityLog:
    """What happened, oldest first. Each type has its own ring, so that a million new people push out no failure."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._written = 0
        self._rings: dict[str, deque[ActivityEntry]] = {}

    def write(self, type_: str, at: float, identifiers: Mapping[str, str | None], detail: Mapping[str, Any]) -> None:
        """Adds an entry.

        Args:
            type_: The type of the entry, as the activity log of Customer.io names it.
            at: When it happened, in unix seconds.
            identifiers: Of whom it tells, by kind. They may be those of a living person: what they are now is kept.
            detail: What else the entry says; JSON.
        """
        ring = self._rings.get(type_)
        if ring is None:
            ring = self._rings[type_] = deque(maxlen=KEPT_OF_A_TYPE)
        self._written += 1
        self.counts[type_] += 1
        ring.append(ActivityEntry(self._written, type_, at, dict(identifiers), detail))

    def __iter__(self) -> Iterator[ActivityEntry]:
        """Returns entries of all types, oldest first."""
        return iter(heapq.merge(*(list(ring) for ring in self._rings.values()), key=attrgetter("number")))

    def of(self, type_: str) -> list[ActivityEntry]:
        """Returns entries of one type, oldest first."""
        return list(self._rings.get(type_, ()))
