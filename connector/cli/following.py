"""Shows what comes to a log, as it comes: one look a second, each of them bounded, each thing once."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Followed = TypeVar("Followed")
MOST_AT_ONCE = 500
"""How much one look reads."""
EVERY_SECONDS = 1.0
LATE_SECONDS = 300.0
"""What is logged so long after its time is seen still: a request is logged once it is answered and settled."""


@dataclass(slots=True)
class Following(Generic[Followed]):
    """What was seen so far. look: reads the latest, from a time on in unix seconds, at most so many, latest first.

    known_by, at: what tells an entry from others, and its time in unix seconds.
    """

    look: Callable[[float, int], Sequence[Followed]]
    known_by: Callable[[Followed], str]
    at: Callable[[Followed], float]
    since: float = 0.0
    left_out: bool = False
    _seen: dict[str, float] = field(default_factory=dict)

    def first(self, limit: int) -> list[Followed]:
        """Returns the latest, at most so many, the first one first. Whatever else is there is not shown later on."""
        found = self.look(self.since, max(limit, MOST_AT_ONCE))
        self._note(found)
        return list(reversed(found[:limit]))

    def new(self) -> list[Followed]:
        """Returns what came since the last look, the first one first. left_out: that there was more of it."""
        found = self.look(self.since, MOST_AT_ONCE)
        fresh = [each for each in found if self.known_by(each) not in self._seen]
        self.left_out = len(fresh) == MOST_AT_ONCE
        self._note(found)
        return list(reversed(fresh))

    def _note(self, found: Sequence[Followed]) -> None:
        self._seen |= {self.known_by(each): self.at(each) for each in found}
        latest = max(self._seen.values(), default=0.0)
        self.since = max(self.since, latest - LATE_SECONDS)
        self._seen = {id: at for id, at in self._seen.items() if at >= self.since}


def each_turn(following: Following[Followed], pause: Callable[[float], None] = time.sleep) -> Iterator[list[Followed]]:
    """Yields what has come, a second after the last look, without end."""
    while True:
        pause(EVERY_SECONDS)
        yield following.new()
