"""Clients that are slow, silent, too many or no clients at all: each harms itself, and the others are answered."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

import pytest

from connector.store.engine import Store
from connector.web.bodies import Room
from connector.web.refusals import Refusals
from tests.doors import (
    ASK,
    BEARER,
    HEAD,
    IN_CHUNKS,
    MAX_BODY,
    OFFER,
    SHORT,
    TELL,
    Served,
    doors_of,
    drip,
    heard,
    statuses,
)
from tests.servers import eventually
from tests.world import message


@pytest.fixture
def serve(file_url: str, open_store: Callable[[str], Store]) -> Iterator[Callable[..., Served]]:
    with doors_of(open_store(file_url)) as start:
        yield start


@pytest.mark.parametrize(
    "first", [b"", b"POST /v1/changes HTTP/1.1\r\nHost: x\r\n"], ids=["nothing", "half of headers"]
)
def test_who_sends_no_whole_request_is_let_go(serve: Callable[..., Served], first: bytes) -> None:
    doors = serve(limits=SHORT)
    assert heard(doors.connect(first)) == b""
    assert doors.refusals.total["unfinished"] == 1
    doors.works()


def test_who_drips_headers_is_let_go_in_time(serve: Callable[..., Served]) -> None:
    doors = serve(limits=SHORT)
    connection = doors.connect(b"POST /v1/changes HTTP/1.1\r\nHost: x\r\n")
    started = time.monotonic()
    drip(connection, b"X-More: x\r\n", seconds=60.0)
    assert time.monotonic() - started < 30  # a busy machine may take long, but not as long as we would drip
    assert doors.refusals.total["unfinished"] == 1


def test_who_is_answered_and_asks_no_more_is_let_go_in_order(serve: Callable[..., Served]) -> None:
    doors = serve(limits=SHORT)
    answer = heard(doors.connect(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 200")
    assert not doors.refusals.total


def test_a_connection_serves_one_request_after_the_other_for_as_long_as_it_is_used(
    serve: Callable[..., Served],
) -> None:
    doors = serve(limits=replace(SHORT, header_seconds=5.0, idle_seconds=5.0))
    connection = HTTPConnection(str(doors.client.base_url.host), doors.client.base_url.port)
    connection.auto_open = False  # a connection that was ended would be an error
    connection.connect()
    for _ in range(12):
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"ok"}'
        time.sleep(0.5)
    connection.close()


@pytest.mark.parametrize(
    "head",
    [f"{HEAD}Content-Length: 100\r\n\r\n", f"{HEAD}Transfer-Encoding: chunked\r\n\r\n"],
    ids=["length", "chunks"],
)
def test_a_body_that_does_not_come_is_answered_408(serve: Callable[..., Served], head: str) -> None:
    doors = serve(limits=SHORT)
    answer = heard(doors.connect(head.encode()))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"send it again" in answer
    assert doors.refusals.total["too_slow"] == 1
    doors.works()


def test_a_body_that_drips_is_answered_408_in_time(serve: Callable[..., Served]) -> None:
    doors = serve(limits=SHORT)
    connection = doors.connect(f"{HEAD}Content-Length: 1000\r\n\r\n".encode())
    thread = threading.Thread(target=drip, args=(connection, b" "))
    thread.start()
    assert heard(connection).startswith(b"HTTP/1.1 408")
    thread.join()


def test_who_goes_on_sending_a_body_that_was_refused_is_let_go(serve: Callable[..., Served]) -> None:
    doors = serve(limits=SHORT)
    connection = doors.connect(b"POST /v1/changes HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n")
    assert connection.recv(65_536).startswith(b"HTTP/1.1 401")
    drip(connection, b" ")
    assert doors.refusals.total["unfinished"] == 1


def test_a_refusal_reaches_whoever_sends_the_whole_body_first(serve: Callable[..., Served]) -> None:
    doors = serve()
    answer = doors.client.post("/v1/changes", content=b" " * 900_000, headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 401
    doors.works()


def test_who_breaks_off_in_the_middle_of_a_body_leaves_nothing_behind(
    serve: Callable[..., Served], caplog: pytest.LogCaptureFixture
) -> None:
    doors = serve()
    for _ in range(20):
        doors.connect(f"{HEAD}Content-Length: 900000\r\n\r\n{{".encode()).close()
    doors.works()
    time.sleep(0.3)
    assert "Traceback" not in caplog.text


# ---- Too many --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [b"", b"POST /v1/changes HTTP/1.1\r\n", f"{HEAD}Content-Length: 9000\r\n\r\n{{".encode()],
    ids=["idle", "half of headers", "half of a body"],
)
def test_more_connections_than_may_be_do_not_keep_others_out(serve: Callable[..., Served], first: bytes) -> None:
    doors = serve(connections=100)
    for number in range(300):
        doors.connect(first)
        if number % 10 == 0:  # some 65 that have connected may wait to be taken in, and count as heard later
            doors.works()
    doors.works()
    eventually(lambda: doors.refusals.total["crowded_out"] >= 200)


def test_a_request_that_is_being_answered_is_not_crowded_out(serve: Callable[..., Served], store_lock: Any) -> None:
    doors = serve(connections=100)  # more than are taken in at once, so that the request has been read by then
    with store_lock:
        answers: list[int] = []
        post = lambda: answers.append(doors.client.post("/v1/changes", json=message("u1")).status_code)  # noqa: E731
        thread = threading.Thread(target=post)
        thread.start()
        time.sleep(0.3)
        for _ in range(200):
            doors.connect()
        time.sleep(0.3)
    thread.join()
    assert answers == [200]


@pytest.fixture
def store_lock(file_url: str) -> Any:
    """While it is held nobody writes into the store."""
    import sqlite3
    from contextlib import contextmanager

    @contextmanager
    def locked() -> Iterator[None]:
        connection = sqlite3.connect(file_url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
        connection.close()

    return locked()


def test_a_hundred_large_bodies_without_a_signature_keep_nobody_waiting(serve: Callable[..., Served]) -> None:
    doors = serve(limits=SHORT)
    head = f"POST /v1/segment/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {MAX_BODY}\r\n\r\n".encode()
    for _ in range(100):
        doors.connect(head + b" " * 1000)
    doors.works()
    signed = doors.client.post("/v1/segment/webhook", json={}, headers={"X-Signature": "wrong"})
    assert signed.status_code == 401  # a small one was read meanwhile
    eventually(lambda: doors.refusals.total["no_room"] + doors.refusals.total["too_slow"] == 100)


def test_one_senders_large_bodies_do_not_keep_anothers_waiting() -> None:
    async def run() -> list[str]:
        room, entered = Room(400, 200), []

        async def take(sender: str, size: int) -> None:
            async with room.hold(sender, size, 0.2):
                entered.append(sender)
                await asyncio.sleep(0.4)

        busy = [take("one", 100) for _ in range(3)]
        done = await asyncio.gather(*busy, take("other", 200), return_exceptions=True)
        assert [type(each) for each in done] == [type(None), type(None), TimeoutError, type(None)]
        async with room.hold("one", 400, 0.2):  # all was given back
            entered.append("whole")
        return entered

    assert asyncio.run(run()) == ["one", "one", "other", "whole"]


# ---- What is hardly HTTP ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [
        b"no HTTP at all\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        f"{ASK}Host: y\r\n\r\n".encode(),
        f"{ASK}A: {'a' * 70_000}\r\n\r\n".encode(),
        ASK.encode() + b"a: b\r\n" * 40_000 + b"\r\n",
        ASK.encode() + b"a:\r\n" * 20_000 + b"\r\n",
        f"GET /{'a' * 70_000} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        f"{HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\nno chunk\r\n".encode(),
        IN_CHUNKS[:-2] + b"Connection: close\r\n\r\n",
        f"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n{BEARER}\r\n".encode(),
    ],
    ids=["words", "no host", "two hosts", "a long header", "many headers", "many empty headers", "a long address",
         "two lengths", "no chunk", "a last word behind the body", "another host"],
)  # fmt: skip
def test_what_is_no_request_is_answered_400_and_counted(serve: Callable[..., Served], told: bytes) -> None:
    doors = serve()
    assert statuses(heard(doors.connect(told))) == [400]
    assert doors.refusals.total == {"invalid": 1}
    doors.works()


def test_headers_that_drip_without_end_are_refused_before_their_time_is_over(serve: Callable[..., Served]) -> None:
    doors = serve()
    connection = doors.connect(f"{ASK}A: ".encode())
    drip(connection, b"a" * 20_000)
    assert statuses(heard(connection)) in ([400], [])  # nothing, where the answer was overtaken by the end
    assert doors.refusals.total == {"invalid": 1}


def test_requests_behind_one_another_are_answered_in_order_and_once(serve: Callable[..., Served]) -> None:
    last = f"GET /nowhere HTTP/1.1\r\nHost: x\r\n{BEARER}Connection: close\r\n\r\n".encode()
    assert statuses(heard(serve().connect(TELL * 3 + last))) == [200, 200, 200, 404]


def test_what_follows_a_request_and_is_none_takes_nothing_from_its_answer(serve: Callable[..., Served]) -> None:
    doors = serve()
    assert statuses(heard(doors.connect(TELL + b"no HTTP at all\r\n\r\n"))) == [200]
    assert doors.refusals.total == {"invalid": 1}


def test_more_requests_behind_one_another_than_may_wait_end_the_connection(serve: Callable[..., Served]) -> None:
    doors = serve()
    assert len(statuses(heard(doors.connect(f"{ASK}\r\n".encode() * 1000)))) < 100
    assert doors.refusals.total == {"crowded_out": 1}
    doors.works()


@pytest.mark.parametrize("told", [TELL, IN_CHUNKS], ids=["with a length", "in chunks"])
def test_who_offers_another_protocol_is_answered_in_this_one(serve: Callable[..., Served], told: bytes) -> None:
    """Java's own client does so with each request that is not encrypted."""
    offered = told.replace(b"Host: x\r\n", b"Host: x\r\n" + OFFER, 1)
    last = f"{ASK}Connection: close\r\n\r\n".encode()
    assert statuses(heard(serve().connect(offered * 2 + last))) == [200, 200, 200]


def test_a_header_behind_the_body_is_none(serve: Callable[..., Served]) -> None:
    told = IN_CHUNKS.replace(BEARER.encode(), b"Connection: close\r\n")[:-2] + f"{BEARER}\r\n".encode()
    assert statuses(heard(serve().connect(told))) == [401]


def test_spaces_around_a_header_do_not_count(serve: Callable[..., Served]) -> None:
    asked = TELL.replace(BEARER.encode(), BEARER.rstrip().encode() + b" \t \r\nConnection: close\r\n")
    assert statuses(heard(serve().connect(asked))) == [200]


# ---- What is said of it ----------------------------------------------------------------------------------------------


def test_what_is_no_http_is_counted_and_not_logged_line_by_line(
    serve: Callable[..., Served], caplog: pytest.LogCaptureFixture
) -> None:
    doors = serve()
    for _ in range(50):
        assert heard(doors.connect(b"no HTTP at all\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert doors.refusals.total["invalid"] == 50
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_the_first_refusal_is_said_at_once_and_the_others_together() -> None:
    said: list[dict[str, int]] = []

    async def run() -> None:
        refusals = Refusals(0.2, lambda counts: said.append(dict(counts)))
        for _ in range(3):
            refusals.add("invalid")
        refusals.add("idle")
        await asyncio.sleep(0.3)
        refusals.add("idle")
        await asyncio.sleep(0.5)

    asyncio.run(run())
    assert said == [{"invalid": 1}, {"invalid": 2, "idle": 1}, {"idle": 1}]
