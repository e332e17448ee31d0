"""Limits attempts to sign in: for each name and each address, longer after each that fails, in bounded memory."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

FREE_ATTEMPTS, WINDOW_SECONDS = 10, 300.0
"""So many may fail within so many seconds; from then on each must wait."""
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 30.0, 3600.0
LONGEST_WAIT_OF_A_NAME_SECONDS = 300.0
"""Shorter: else anybody could keep somebody out by giving their name."""
_MOST_KEYS = 20_000


@dataclass(slots=True)
class _FailedAttempts:
    count: int = 0
    last: float = 0.0
    free_at: float = 0.0


class Attempts:
    """Counts failed attempts. It is not thread-safe: it belongs to the event loop."""

    def __init__(self, most_keys: int = _MOST_KEYS) -> None:
        self._most = most_keys
        self._failures: OrderedDict[str, _FailedAttempts] = OrderedDict()

    def wait(self, name: str, address: str, now: float) -> int:
        """Returns how many whole seconds somebody has to wait before the next attempt; 0 for none."""
        free_at = max((found.free_at for key in _keys(name, address) if (found := self._failures.get(key))), default=0)
        return max(ceil(free_at - now), 0)

    def begin(self, name: str, address: str, now: float) -> None:
        """Counts an attempt as one that fails, until `succeeded` says otherwise: so that many at once are counted."""
        for key in _keys(name, address):
            longest = LONGEST_WAIT_OF_A_NAME_SECONDS if key.startswith("name") else LONGEST_WAIT_SECONDS
            self._count(key, longest, now)

    def succeeded(self, name: str, address: str) -> None:
        """Forgets the failures of a name, but one of its address: one's own sign-in must not allow guessing others."""
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
