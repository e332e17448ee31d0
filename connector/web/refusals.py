"""Counts the requests and connections that were turned away, and logs them once a minute: no attack fills the log."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Literal

import structlog

log = structlog.get_logger(__name__)
Reason = Literal["idle", "unfinished", "invalid", "crowded_out", "too_slow", "no_room", "too_large", "unauthorized"]
_SAID_SECONDS = 60.0


def _say(counts: Mapping[str, int]) -> None:
    log.warning("requests or connections were turned away", **counts)


class Refusals:
    """The counts of refusals by reason, used on the server's event loop only.

    The first refusal is logged at once, later ones once a minute. total: the counts since the process began.
    """

    def __init__(self, seconds: float = _SAID_SECONDS, say: Callable[[Mapping[str, int]], None] = _say) -> None:
        self._seconds = seconds
        self._say = say
        self._counts: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self.total: Counter[str] = Counter()

    def add(self, reason: Reason) -> None:
        """Counts one refusal, and logs it at once if none was logged within the last minute."""
        self._counts[reason] += 1
        self.total[reason] += 1
        if self._timer is None:
            self._tell()

    def _tell(self) -> None:
        """Logs the refusals since the last time; looks again in a minute, until there are none to log."""
        self._timer = None
        if self._counts:
            self._say(dict(self._counts))
            self._counts.clear()
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._tell)
