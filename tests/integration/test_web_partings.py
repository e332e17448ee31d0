"""How the doors part from clients: who was answered can read it, and who asked in whole is answered."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from connector.store.engine import Store
from connector.web.limits import Limits
from tests.doors import ASK, BEARER, HEAD, IN_CHUNKS, OFFER, SHORT, TELL, TOLD, Served, doors_of, drip, heard, statuses

PATIENT = replace(Limits(), linger_seconds=60.0)
HALF = f"{HEAD}Content-Length: 100\r\n\r\n{{".encode()
BROKEN = f"{HEAD}Transfer-Encoding: chunked\r\n\r\nno chunk\r\n".encode()


@pytest.fixture
def serve(file_url: str, open_store: Callable[[str], Store]) -> Iterator[Callable[..., Served]]:
    with doors_of(open_store(file_url)) as start:
        yield start


def read_in_full(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection in order; ConnectionError where it resets it."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


# ---- Who is still sending --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize(("size", "token", "status"), [(900_000, "wrong", 401), (50_000_000, "a-token", 413)])
def test_who_wants_the_connection_closed_and_sends_the_whole_body_first_can_read_its_refusal(
    serve: Callable[..., Served], version: str, size: int, token: str, status: int
) -> None:
    """Python's own client and nginx, as they come, ask so with each request."""
    connection = serve(limits=PATIENT).connect(
        f"POST /v1/changes HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Connection: close\r\nContent-Length: {size}\r\n\r\n".encode()
    )
    for _ in range(size // 100_000):
        connection.sendall(b" " * 100_000)
    assert statuses(read_in_full(connection)) == [status]


def test_who_wants_the_connection_closed_and_sends_on_for_ever_is_let_go(serve: Callable[..., Served]) -> None:
    head = "POST /v1/changes HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 900000000\r\n\r\n"
    connection = serve(limits=SHORT).connect(head.encode())
    started = time.monotonic()
    drip(connection, b" " * 1000, seconds=60.0)
    assert time.monotonic() - started < 30  # a busy machine may take long, but not as long as we would drip


@pytest.mark.parametrize("start", [TELL[: -len(TOLD)].replace(b"Content-Length", b"Content Length"), BROKEN])
def test_what_is_no_request_can_read_so_however_much_it_sends(serve: Callable[..., Served], start: bytes) -> None:
    connection = serve(limits=PATIENT).connect(start)
    for _ in range(100):
        connection.sendall(b" " * 100_000)
    assert statuses(read_in_full(connection)) == [400]


@pytest.mark.parametrize("told", [b"X-More: ", b"", b"8;more="], ids=["headers", "junk", "words about a chunk"])
def test_what_comes_behind_a_body_is_bounded_as_what_comes_before_it(serve: Callable[..., Served], told: bytes) -> None:
    doors = serve(limits=PATIENT)
    start = IN_CHUNKS[:-2] if told.startswith(b"X") else IN_CHUNKS[:-5]
    connection = doors.connect(start + told)
    for _ in range(100):
        connection.sendall(b"a" * 100_000)
    assert statuses(read_in_full(connection)) == [400]
    assert doors.refusals.total == {"invalid": 1}
    doors.works()


# ---- Who sends no more -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (TELL, [200]),
        (IN_CHUNKS, [200]),
        (TELL * 3, [200] * 3),
        (TELL * 3 + HEAD.encode(), [200] * 3),
        (TELL * 3 + HALF, [200] * 3 + [400]),
        (HALF, []),
        (HEAD.encode(), []),
        (b"", []),
    ],
    ids=["one", "in chunks", "three", "three and half a head", "three and half a body", "half a body", "half a head",
         "nothing"],
)  # fmt: skip
def test_who_says_that_no_more_comes_is_answered_what_was_asked_in_whole(
    serve: Callable[..., Served], told: bytes, wanted: list[int]
) -> None:
    doors = serve()
    connection = doors.connect(told)
    connection.shutdown(socket.SHUT_WR)
    assert statuses(read_in_full(connection)) == wanted
    doors.works()


def test_a_broken_body_takes_nothing_from_the_answers_before_it(serve: Callable[..., Served]) -> None:
    doors = serve()
    assert statuses(heard(doors.connect(TELL * 3 + BROKEN + TELL))) == [200, 200, 200, 400]
    assert doors.refusals.total == {"invalid": 1}


# ---- What clients say of the connection ------------------------------------------------------------------------------


def test_who_offers_another_protocol_and_wants_the_connection_closed_has_it_closed(
    serve: Callable[..., Served],
) -> None:
    offer = OFFER.replace(b"Upgrade,", b"Close, Upgrade,")
    answer = heard(serve().connect(ASK.encode() + offer + b"\r\n"))
    assert statuses(answer) == [200]
    assert b"connection: close\r\n" in answer


@pytest.mark.parametrize(("version", "first"), [("1.1", b"HTTP/1.1 100"), ("1.0", b"HTTP/1.1 200")])
def test_only_who_knows_that_answer_is_told_to_go_on(serve: Callable[..., Served], version: str, first: bytes) -> None:
    told = TELL.replace(b"HTTP/1.1\r\n", f"HTTP/{version}\r\nExpect: 100-continue\r\nConnection: close\r\n".encode(), 1)
    assert heard(serve().connect(told)).startswith(first)


def test_a_length_is_the_same_behind_however_many_zeros(serve: Callable[..., Served]) -> None:
    told = TELL.replace(b"Content-Length: ", b"Connection: close\r\nContent-Length: " + b"0" * 10_000)
    assert statuses(heard(serve().connect(told))) == [200]


def test_a_token_in_a_header_of_two_is_none(serve: Callable[..., Served]) -> None:
    told = TELL.replace(BEARER.encode(), b"Connection: close\r\nAuthorization: Bearer wrong\r\n" + BEARER.encode())
    assert statuses(heard(serve().connect(told))) == [401]
