"""Answers that no client should wait for or read whole: a byte at a time, without end, packed to a thousandth."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from connector.simulator.api.answers import JSON

_CHUNK = b" " * 65_536


def answer(order: Mapping[str, Any], body: bytes, status: int, headers: Mapping[str, str]) -> Response:
    """Returns an answer as a rule orders it.

    Args:
        order: `drip`: seconds before each byte; `size`: bytes to fill the body up to; `packed`: whether it is gzipped.
        body: what the answer begins with.
        status: its status.
        headers: its headers.

    Returns:
        The answer, made while it is sent.
    """
    parts = _filled(body, int(order.get("size", 0)))
    kept = {"content-type": JSON, **headers}
    if order.get("packed"):
        parts, kept = _packed(parts), {**kept, "content-encoding": "gzip"}
    return StreamingResponse(_sent(parts, float(order.get("drip", 0.0))), status, kept)


def _filled(body: bytes, size: int) -> Iterator[bytes]:
    yield body
    for start in range(len(body), size, len(_CHUNK)):
        yield _CHUNK[: size - start]


def _packed(parts: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    for part in parts:
        yield packer.compress(part)
    yield packer.flush()


async def _sent(parts: Iterator[bytes], drip: float) -> AsyncIterator[bytes]:
    for part in parts:
        if not drip:
            yield part
            continue
        for place in range(len(part)):
            await asyncio.sleep(drip)
            yield part[place : place + 1]
