"""Reads the bodies of requests within bounds: of their size, their time, and how many bytes are held at once.

A compressed body is unpacked afterwards, within bounds, by `formats.content_encoding`.

A body holds its room until it is taken in, since what is made of it takes more memory than the body itself. Small
bodies have room of their own, and so have senders who showed who they are before the body was read: a flood of large or
of unsigned bodies holds up only bodies of its kind.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from connector.web.limits import Limits
from connector.web.refusals import Refusals

_BODIES_AT_ONCE = 4
_BODIES_OF_ONE = 2
_BUSY_RETRY_SECONDS = "5"
_UNPACKED_TIMES = 10  # JSON usually shrinks to a tenth when it is compressed


class Room:
    """A bound on the bytes that are held at once, in all and for one sender; used on the server's event loop only."""

    def __init__(self, in_all: int, for_one: int) -> None:
        self._in_all = in_all
        self._for_one = for_one
        self._held: Counter[str] = Counter()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def hold(self, sender: str, size: int, wait_seconds: float) -> AsyncIterator[None]:
        """Holds `size` bytes for a sender while the block runs. Raises TimeoutError if no room is free in time."""
        if not self._fits(sender, size):  # only then, since a timeout costs as much as all the rest
            async with asyncio.timeout(wait_seconds):
                while not self._fits(sender, size):
                    await self._change()
        self._held[sender] += size
        try:
            yield
        finally:
            self._held[sender] -= size
            if not self._held[sender]:
                del self._held[sender]
            while self._waiting:
                _wake(self._waiting.popleft())

    def _fits(self, sender: str, size: int) -> bool:
        """Says whether a body fits. A sender who holds nothing may hold one body, even if it is above their share."""
        share = not self._held[sender] or self._held[sender] + size <= self._for_one
        return share and self._held.total() + size <= self._in_all

    async def _change(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        await waiter


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


class BodyReader:
    """The reader of the bodies that come to one application, with the room for them."""

    def __init__(self, max_bytes: int, limits: Limits, refusals: Refusals) -> None:
        """Reads no body yet. `max_bytes` is the most bytes of one body; `refusals` counts those that are refused."""
        self._max = max_bytes
        self._limits = limits
        self._refusals = refusals
        self._rooms = {(known, small): self._room() for known in (True, False) for small in (True, False)}

    def _room(self) -> Room:
        return Room(self._max * _BODIES_AT_ONCE, self._max * _BODIES_OF_ONE)

    @asynccontextmanager
    async def read(self, request: Request, sender: str = "", most: int | None = None) -> AsyncIterator[bytes]:
        """Reads a body and yields it as it came, still compressed; holds room for it while the block runs.

        Args:
            request: a request of which only the headers have been read.
            sender: the sender, as the headers showed; "" if only the body can show it.
            most: the most bytes of this body, if that is less than `max_bytes`.

        Raises:
            HTTPException: 413 as soon as the body is larger than allowed, 408 if it comes too slowly, 503 if there is
                no room for it, 400 if the client breaks off.
        """
        size = self._expected(request, min(most or self._max, self._max))
        held = min(size * _UNPACKED_TIMES, self._max) if request.headers.get("content-encoding") else size
        room = self._rooms[bool(sender), held <= self._limits.small_bytes]
        whose = sender or (request.client.host if request.client else "")
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(room.hold(whose, held, self._limits.wait_seconds))
            except TimeoutError:
                raise self._busy() from None
            yield await self._whole(request, size)

    def _expected(self, request: Request, most: int) -> int:
        """Returns the size of the body by its Content-Length, or `most` if there is none.

        Raises HTTPException 413 where it is above `most`.
        """
        length = request.headers.get("content-length", "")
        size = int(length.lstrip("0") or "0") if length.isascii() and length.isdigit() else most
        if size > most:
            raise self._too_large(most)
        return size

    async def _whole(self, request: Request, size: int) -> bytes:
        try:
            async with asyncio.timeout(None) as limit:
                return await self._parts(request.stream(), size, limit)
        except TimeoutError:
            self._refusals.add("too_slow")
            raise HTTPException(408, "the body comes too slowly: send it again") from None
        except ClientDisconnect:
            raise HTTPException(400, "the body broke off") from None

    async def _parts(self, stream: AsyncIterator[bytes], size: int, limit: asyncio.Timeout) -> bytes:
        """Returns the body, read part by part.

        Each part puts the limit off by `silence_seconds`, but not beyond `body_seconds` for the whole body. Raises
        HTTPException 413 as soon as there are more than `size` bytes.
        """
        now = asyncio.get_running_loop().time
        end, parts = now() + self._limits.body_seconds, bytearray()
        limit.reschedule(min(end, now() + self._limits.silence_seconds))
        async for part in stream:
            parts += part
            if len(parts) > size:
                raise self._too_large(size)
            limit.reschedule(min(end, now() + self._limits.silence_seconds))
        return bytes(parts)

    def _too_large(self, most: int) -> HTTPException:
        self._refusals.add("too_large")
        what = f"[web] max_body_bytes, {most} bytes"
        if most < self._max:
            what = f"{most} bytes, the most of one whose headers show no token"
        return HTTPException(413, f"the body is larger than {what}: send it in parts")

    def _busy(self) -> HTTPException:
        self._refusals.add("no_room")
        reason = "too many bodies are being read at once: send it again"
        return HTTPException(503, reason, {"Retry-After": _BUSY_RETRY_SECONDS})
