"""Counts webhooks whose signature does not fit, and tells of them: at once the first time, then every few seconds.

So a stranger who sends thousands makes a row or two, and a key that is wrong is seen with the first webhook.
"""

import asyncio
import math
from collections import Counter

import structlog
from starlette.concurrency import run_in_threadpool

from connector.activity import unsigned
from connector.errors import StoreError
from connector.store.engine import Store

log = structlog.get_logger(__name__)
_PAUSE_SECONDS = 5.0


class UnsignedWatch:
    """What one process has seen, by connection; used on the server's event loop only."""

    def __init__(self, store: Store, pause_seconds: float = _PAUSE_SECONDS) -> None:
        """Nothing has been seen yet. `pause_seconds` lie between two times that the store is told."""
        self._store = store
        self._pause = pause_seconds
        self._told_at = -math.inf
        self._refused: Counter[tuple[str, str]] = Counter()
        self._fitting: set[str] = set()

    async def refused(self, connection: str, reason: str) -> None:
        """Counts a webhook that was refused, and tells the store of it and of those before it if it is time to."""
        self._refused[connection, reason] += 1
        self._fitting.discard(connection)
        now = asyncio.get_running_loop().time()
        if now < self._told_at + self._pause:
            return
        self._told_at = now
        seen, self._refused = self._refused, Counter()
        try:
            await run_in_threadpool(self._tell, seen)
        except StoreError as error:
            log.warning("the store is away: that webhooks were refused is told later", reason=str(error))
            self._refused.update(seen)

    def newly_fits(self, connection: str) -> bool:
        """Whether a signature fits for the first time, or the first time after one that did not."""
        if connection in self._fitting:
            return False
        self._fitting.add(connection)
        return True

    def unsure(self, connection: str) -> None:
        """Notes that nobody was told that a signature fits."""
        self._fitting.discard(connection)

    def _tell(self, seen: Counter[tuple[str, str]]) -> None:
        for (connection, reason), count in list(seen.items()):
            log.warning("webhooks refused", connection=connection, reason=reason, webhooks=count)
            unsigned.refused(self._store, connection, reason, count)
            del seen[connection, reason]
