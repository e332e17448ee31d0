"""Limits attempts to sign in by name and by address: the wait doubles with each failure, and memory is bounded."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

FREE_ATTEMPTS, WINDOW_SECONDS = 10, 300.0
"""So many attempts may fail, each within so many seconds of the one before it; from then on each must wait."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 30.0, 3600.0
LONGEST_WAIT_OF_A_NAME_SECONDS = 300.0
"""The longest wait for a name is shorter: else anybody could lock somebody out for an hour by giving their name."""
_MOST_KEYS = 20_000


@dataclass(slots=True)
class _FailedAttempts:
    count: int = 0
    last: float = 0.0
    free_at: float = 0.0


class Attempts:
    """The counts of failed attempts, by name and by address. They are not thread-safe: the event loop owns them."""

    def __init__(self, most_keys: int = _MOST_KEYS) -> None:
        self._most = most_keys
        self._failures: OrderedDict[str, _FailedAttempts] = OrderedDict()

    def wait(self, name: str, address: str, now: float) -> int:
        """Returns how many whole seconds must pass before the next attempt, 0 for none; `now`: unix seconds."""
        free_at = max((found.free_at for key in _keys(name, address) if (found := self._failures.get(key))), default=0)
        return max(ceil(free_at - now), 0)

    def begin(self, name: str, address: str, now: float) -> None:
        """Counts an attempt as failed at `now` (unix seconds), until `succeeded` takes that back.

        So attempts that are made at the same time are all counted.
        """
        for key in _keys(name, address):
            longest = LONGEST_WAIT_OF_A_NAME_SECONDS if key.startswith("name") else LONGEST_WAIT_SECONDS
            self._count(key, longest, now)

    def succeeded(self, name: str, address: str) -> None:
        """Forgets all failures of a name, and a single one of the address.

        So nobody can guess at the names of others without a limit by signing in with their own in between.
        """
        by_name, by_address = _keys(name, address)
        self._failures.pop(by_name, None)
        if found := self._failures.get(by_address):
            found.count -= 1
            if found.count < FREE_ATTEMPTS:
                found.free_at = 0.0

    def _count(self, key: str, longest: float, now: float) -> None:
        found = self._failures.setdefault(key, _FailedAttempts())
        if now > max(found.free_at + longest, found.last + WINDOW_SECONDS):
            found.count = 0
        found.count += 1
        found.last = now
        if found.count >= FREE_ATTEMPTS:
            doublings = min(found.count - FREE_ATTEMPTS, 20)
            found.free_at = now + min(FIRST_WAIT_SECONDS * 2**doublings, longest)
        self._failures.move_to_end(key)
        while len(self._failures) > self._most:
            self._failures.popitem(last=False)


def _keys(name: str, address: str) -> Iterable[str]:
    return (f"name {name}", f"address {address}")
