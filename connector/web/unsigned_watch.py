"""Counts webhooks refused for their signature, and tells the store of them: at once at first, then every 5 seconds.

So a stranger who sends thousands of them makes a row or two, and a wrong key is seen with the first webhook. What came
within the seconds is told too, even if nothing comes after it: Customer.io, once refused, is silent for an hour.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import structlog
from starlette.concurrency import run_in_threadpool

from connector.activity import unsigned
from connector.errors import StoreError
from connector.store.engine import Store

log = structlog.get_logger(__name__)
_PAUSE_SECONDS = 5.0
_AGAIN_SECONDS = 60.0
"""The seconds between two times that the store is told of signatures that fit, which solves earlier refusals."""
ANSWER_SECONDS = 3.0
"""The seconds that an answer may wait for the store; Customer.io waits for four."""


class UnsignedWatch:
    """The signatures that one process has seen, by connection; used on the server's event loop only."""

    def __init__(
        self,
        store: Store,
        keys: Mapping[str, str] = MappingProxyType({}),
        pause_seconds: float = _PAUSE_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        again_seconds: float = _AGAIN_SECONDS,
    ) -> None:
        """Has seen nothing yet.

        Args:
            store: The store that is told.
            keys: The digests of the keys that are set, by connection.
            pause_seconds: The pause between two times that the store is told of refusals.
            answer_seconds: How long `refused` waits to learn whether the store could be told.
            again_seconds: How long after one that fits the store is not told again.
        """
        self._store = store
        self._keys = keys
        self._pause = pause_seconds
        self._patience = answer_seconds
        self._refused: Counter[tuple[str, str]] = Counter()
        self._again = again_seconds
        self._fitting: dict[str, float] = {}
        self._telling: asyncio.Task[bool] | None = None
        self._going_on: asyncio.Task[None] | None = None

    async def refused(self, connection: str, reason: str) -> bool:
        """Counts a webhook that was refused.

        Returns whether the store could be told the last time that it was tried; False too if that takes too long.
        """
        self._refused[connection, reason] += 1
        if self._telling is None or self._going_on is None or self._going_on.done():
            self._telling = asyncio.create_task(self._tell())
            self._going_on = asyncio.create_task(self._go_on(self._telling))
        told, _ = await asyncio.wait({self._telling}, timeout=self._patience)
        return any(each.result() for each in told)

    def newly_fits(self, connection: str) -> bool:
        """Says whether the store is to be told that a signature fits: the first time, and again every `again_seconds`.

        True counts as told, unless `unsure` says otherwise.
        """
        now = time.monotonic()
        if connection in self._fitting and now < self._fitting[connection] + self._again:
            return False
        self._fitting[connection] = now
        return True

    def unsure(self, connection: str) -> None:
        """Notes that the store could not be told that a signature fits: the next one that fits is to be told."""
        self._fitting.pop(connection, None)

    async def _go_on(self, telling: asyncio.Task[bool]) -> None:
        """Tells the store after each pause what came meanwhile, until nothing has come."""
        while True:
            await asyncio.wait({telling})
            await asyncio.sleep(self._pause)
            if not self._refused:
                return
            self._telling = telling = asyncio.create_task(self._tell())

    async def _tell(self) -> bool:
        """Tells the store the refusals that it has not been told. Returns whether it could be told."""
        seen, self._refused = self._refused, Counter()
        try:
            await run_in_threadpool(self._tell_of, seen)
        except StoreError as error:
            log.warning("the store is away: that webhooks were refused is told later", reason=str(error))
        except Exception:
            log.exception("that webhooks were refused could not be told: it is told later")
        else:
            return True
        self._refused.update(seen)
        return False

    def _tell_of(self, seen: Counter[tuple[str, str]]) -> None:
        for (connection, reason), count in list(seen.items()):
            log.warning("webhooks refused", connection=connection, reason=reason, webhooks=count)
            unsigned.refused(self._store, connection, reason, count, self._keys.get(connection, ""))
            del seen[connection, reason]
