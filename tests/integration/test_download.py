"""Files from the web, from servers that do their worst: each fetch ends in time."""

import gzip
from time import monotonic

import pytest

from connector.bulk import download
from connector.errors import ConnectorError
from tests.hostile import OK, SECONDS, Answering, Server, at_once, dripping

PATIENCE = 60 * SECONDS


def fetched(answering: Answering, seconds: float = 60.0) -> bytes:
    server = Server(answering)
    try:
        with download.fetched(f"{server.url}/a.csv", 1_000_000, pause=lambda _: None, longest_seconds=seconds) as path:
            return path.read_bytes()
    finally:
        server.close()


@pytest.mark.parametrize(
    "beginning",
    [OK + b"Content-Length: 100000\r\n\r\n", OK + b"X-Long: ", b"HTTP/1.1 200 "],
    ids=["body", "header", "status"],
)
def test_a_file_that_drips_is_given_up_in_time(beginning: bytes) -> None:
    started = monotonic()
    with pytest.raises(ConnectorError, match=r"cannot be fetched|in time"):
        fetched(dripping(beginning), SECONDS)
    assert monotonic() - started < PATIENCE


def test_a_file_may_come_packed_but_only_once() -> None:
    once = gzip.compress(b"id\n1\n")
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(once)
    assert fetched(at_once(head + once)) == b"id\n1\n"
    twice = gzip.compress(once)
    head = OK + b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(twice)
    with pytest.raises(ConnectorError, match="packed more than once"):
        fetched(at_once(head + twice))


def test_a_file_that_unpacks_to_more_than_the_limit_is_refused() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with pytest.raises(ConnectorError, match="is larger than"):
        fetched(at_once(head + bomb))
