"""Limits how many pages are made at once; others wait for a free thread, for 5 seconds at most."""

from collections.abc import Callable
from typing import TypeVar

import anyio
from fastapi import HTTPException

WAIT_SECONDS = 5.0
T = TypeVar("T")


class Turns:
    """A limit on concurrent threads, separate from those that the doors use."""

    def __init__(self, at_once: int) -> None:
        self._turns, self._threads = (anyio.CapacityLimiter(at_once) for _ in range(2))

    async def take(self, work: Callable[[], T]) -> T:
        """Does the work in a thread once one is free, and returns its result.

        Raises HTTPException 503 where none is free within 5 seconds; how long the work itself takes is not bounded.
        """
        turn = object()
        try:
            with anyio.fail_after(WAIT_SECONDS):
                await self._turns.acquire_on_behalf_of(turn)
        except TimeoutError:
            busy = f"{self._turns.total_tokens:g} at once are worked on here, and none was done within"
            raise HTTPException(503, f"{busy} {WAIT_SECONDS:g} seconds. Nothing was done: try again.") from None
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._turns.release_on_behalf_of(turn)
