"""HTTP/1.1 as the doors read it: however the bytes are cut, the same requests come of them."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from uvicorn.server import ServerState

from connector.web.limits import Limits
from connector.web.protocol import DoorsConfig, DoorsProtocol
from connector.web.refusals import Refusals

OFFER = b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
BODIES = some.binary(max_size=300)


def with_length(body: bytes, offer: bytes) -> bytes:
    return b"POST /a HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (offer, len(body), body)


def in_chunks(body: bytes, offer: bytes) -> bytes:
    parts = [body[at : at + 100] for at in range(0, len(body), 100)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"POST /b HTTP/1.1\r\nHost: x\r\n%bTransfer-Encoding: chunked\r\n\r\n%b0\r\n\r\n" % (offer, chunks)


class Transport(asyncio.Transport):
    """A connection whose other end is a list."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body that came."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def answered(pieces: Sequence[bytes]) -> bytes:
    """What the doors write to somebody who sends these pieces."""
    config = DoorsConfig(echo, Limits(), Refusals(), connections=10)
    config.load()
    transport, protocol = Transport(), DoorsProtocol(config, ServerState(), {})
    protocol.connection_made(transport)
    for piece in pieces:
        protocol.data_received(piece)
        await asyncio.sleep(0)
    for _ in range(100):
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    return transport.written


REQUESTS = some.tuples(some.sampled_from([with_length, in_chunks]), BODIES, some.sampled_from([b"", OFFER]))


@given(some.lists(REQUESTS, max_size=5), some.lists(some.integers(min_value=0, max_value=2000), max_size=20))
def test_however_what_is_sent_is_cut_the_same_requests_are_answered_in_order(
    requests: list[tuple[Any, bytes, bytes]], cuts: list[int]
) -> None:
    sent = b"".join(write(body, offer) for write, body, offer in requests)
    places = [0, *sorted(cuts), len(sent)]
    pieces = [piece for begin, end in pairwise(places) if (piece := sent[begin:end])]
    wanted = b"".join(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body) for _, body, _ in requests)
    assert asyncio.run(answered(pieces)) == wanted


@given(some.lists(some.binary(min_size=1, max_size=60), max_size=6))
def test_whatever_bytes_come_the_doors_answer_or_hang_up(pieces: list[bytes]) -> None:
    written = asyncio.run(answered([b"POST /a HTTP/1.1\r\nHost: x\r\n", *pieces]))
    assert written == b"" or written.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 100"))
