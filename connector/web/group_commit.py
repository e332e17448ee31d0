"""Commits the items of many requests in one transaction: all that have come while the last ones were being committed.

With one request at a time nothing waits; with many, they share the cost of a transaction.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from starlette.concurrency import run_in_threadpool

Item = TypeVar("Item")


class GroupCommit(Generic[Item]):
    """The items that wait for `write`, which gets them in batches in the order they came; used on one event loop."""

    def __init__(self, write: Callable[[list[Item]], None], most: int, at_once: int = 1) -> None:
        """Has nothing to write yet.

        Args:
            write: Keeps a batch, all of it or nothing. It is called in a thread, and may block.
            most: How many items a batch has at most.
            at_once: How many batches are written at the same time; with 1 each is kept before the next is begun.
        """
        self._write = write
        self._most = most
        self._at_once = at_once
        self._waiting: list[tuple[Item, asyncio.Future[None]]] = []
        self._working: set[asyncio.Task[None] | None] = set()

    async def add(self, item: Item) -> None:
        """Adds an item, and returns once it is committed. Raises what `write` raised for its batch.

        An item whose caller gives up before its batch is begun is not written.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if len(self._working) < self._at_once:
            self._working.add(asyncio.create_task(self._work()))
        await done

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            await self._commit(batch)
        self._working.discard(asyncio.current_task())  # an item added from here on starts a new task

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
