"""Commits what many requests bring in one transaction: whatever has come while the last one was being committed.

With one request at a time nothing waits; with many, the cost of a transaction is shared by all of them.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

Item = TypeVar("Item")


class GroupCommit(Generic[Item]):
    """Hands items to `write` in batches, one batch at a time, in the order in which they came; on one event loop."""

    def __init__(self, write: Callable[[list[Item]], None], most: int) -> None:
        """`write` keeps a batch, all of it or nothing, and may block; `most`: so many items are in one at the most."""
        self._write = write
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._working: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> None:
        """Returns once the item is committed. Raises what `write` raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        await done

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await self._commit(batch)
        self._working = None

    async def _commit(self, batch: list[tuple[Item, "asyncio.Future[None]"]]) -> None:
        wanted = [(item, done) for item, done in batch if not done.done()]
        failure: Exception | None = None
        try:
            if wanted:
                await run_in_threadpool(self._write, [item for item, _ in wanted])
        except Exception as error:  # noqa: BLE001 - told to each that waits
            failure = error
        for _, done in wanted:
            _answer(done, failure)


def _answer(done: "asyncio.Future[None]", failure: Exception | None) -> None:
    if done.done():  # whoever waited has given up
        return
    if failure is None:
        done.set_result(None)
    else:
        done.set_exception(failure)
