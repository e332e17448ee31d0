"""HTTP/1.1 as the doors read it: however the bytes are cut, the same requests come of them."""

import asyncio
import gc
import socket
import weakref
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
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

    resume_reading = write_eof = pause_reading

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


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


def test_requests_of_which_each_piece_ends_in_the_head_of_the_next_are_answered() -> None:
    one = with_length(b"x" * 150_000, b"")
    sent = one * 5 + with_length(b"", b"")
    places = [0, *(len(one) * number + 20 for number in range(6)), len(sent)]
    written = asyncio.run(answered([sent[begin:end] for begin, end in pairwise(places)]))
    assert written.count(b"HTTP/1.1 200") == 6


def test_who_has_gone_before_the_last_word_is_said_is_let_go() -> None:
    class Reset(Transport):
        def write_eof(self) -> None:
            raise OSError("Transport endpoint is not connected")

    async def run() -> bool:
        config, transport = DoorsConfig(echo, Limits(), Refusals(), connections=10), Reset()
        config.load()
        protocol = DoorsProtocol(config, ServerState(), {})
        protocol.connection_made(transport)
        protocol.data_received(b"no HTTP at all\r\n\r\n")
        protocol.connection_lost(None)
        return transport.closed

    assert asyncio.run(run())


@pytest.mark.parametrize(
    "told", [with_length(b"", b""), with_length(b"", b"Connection: close\r\n"), b"no HTTP\r\n\r\n"]
)
def test_a_connection_that_has_ended_is_freed_at_once(told: bytes) -> None:
    """Thousands of them would otherwise wait, with what they read, for the collector."""

    async def run() -> weakref.ref[DoorsProtocol]:
        config = DoorsConfig(echo, Limits(), Refusals(), connections=10)
        config.load()
        protocol = DoorsProtocol(config, ServerState(), {})
        protocol.connection_made(Transport())
        protocol.data_received(told)
        for _ in range(100):
            await asyncio.sleep(0)
        protocol.connection_lost(None)
        return weakref.ref(protocol)

    gc.disable()
    try:
        assert asyncio.run(run())() is None
    finally:
        gc.enable()


def test_who_leaves_little_of_an_answer_unread_is_let_go_too(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = Refusals()

    async def much(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"50000")]})
        await send({"type": "http.response.body", "body": b"x" * 50_000})

    async def run() -> None:
        config = DoorsConfig(much, Limits(idle_seconds=0.1, write_seconds=0.1), refusals, connections=10)
        config.load()
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        protocol, ended = DoorsProtocol(config, ServerState(), {}), asyncio.Event()
        monkeypatch.setattr(protocol, "connection_lost", lambda _: ended.set())
        await asyncio.get_running_loop().create_connection(lambda: protocol, sock=ours)
        theirs.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(60):
            await ended.wait()
        theirs.close()

    asyncio.run(run())
    assert refusals.total == {"too_slow": 1}


@given(some.lists(some.binary(min_size=1, max_size=60), max_size=6))
def test_whatever_bytes_come_the_doors_answer_or_hang_up(pieces: list[bytes]) -> None:
    written = asyncio.run(answered([b"POST /a HTTP/1.1\r\nHost: x\r\n", *pieces]))
    assert written == b"" or written.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 100"))
