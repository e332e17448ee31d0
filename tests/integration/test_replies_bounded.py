"""Replies from a server that does its worst: each exchange ends in time, and what is read of it is bounded."""

import gzip
import socket
import threading
from collections.abc import Iterator
from time import monotonic

import pytest

from connector.customerio.app_api import AppApi
from connector.customerio.responses import Reply
from connector.customerio.track import Track
from connector.settings.connection import Connection
from tests.hostile import OK, SECONDS, Answering, Server, at_once, dripping, reading_nothing, without_end

PATIENCE = 60 * SECONDS
"""Far more than an exchange may take and far less than these servers would."""
SLOW = {
    "one byte of the body after another": dripping(OK + b"Content-Length: 100000\r\n\r\n"),
    "one chunk of the body after another": dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "one byte of the headers after another": dripping(OK + b"X-Long: "),
    "one header after another": dripping(OK, b"X: y\r\n"),
    "one byte of the status line after another": dripping(b"HTTP/1.1 200 "),
    "one interim answer after another": dripping(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "nothing": reading_nothing,
}


@pytest.fixture(params=SLOW)
def slow(request: pytest.FixtureRequest) -> Iterator[Server]:
    server = Server(SLOW[request.param])
    yield server
    server.close()


def connection_to(url: str) -> Connection:
    given = {"site_id": "s", "api_key": "k", "app_api_key": "a", "track_url": url, "app_url": url}
    return Connection.model_validate({"name": "main", **given})


def test_a_slow_answer_of_the_track_api_ends_in_time(slow: Server) -> None:
    with Track(connection_to(slow.url), SECONDS) as track:
        started = monotonic()
        replies = [track.send("batch", b'{"batch":[]}'), track.region()]
        assert monotonic() - started < 2 * PATIENCE
    assert [(reply.status, reply.reached) for reply in replies] == [(0, True), (0, True)]
    assert all("127.0.0.1" in reply.fault for reply in replies)


def test_a_slow_answer_of_the_app_api_ends_in_time(slow: Server) -> None:
    with AppApi(connection_to(slow.url), SECONDS) as api:
        started = monotonic()
        assert [api.people("id", ["1"]).status, api.segments().status] == [0, 0]
        assert monotonic() - started < 2 * PATIENCE


def test_a_body_that_nobody_reads_is_given_up_in_time() -> None:
    server = Server(reading_nothing)
    with Track(connection_to(server.url), SECONDS) as track:
        started = monotonic()
        assert track.send("batch", b" " * 50_000_000).status == 0
        assert monotonic() - started < PATIENCE
    server.close()


def test_less_time_may_be_given() -> None:
    server = Server(reading_nothing)
    with Track(connection_to(server.url), 600.0) as track:
        assert track.send("batch", b"{}", seconds=SECONDS).reached
    server.close()


def test_name_servers_that_are_silent_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for, ended = [], threading.Event()

    def look_up(host: str, *_: object, **__: object) -> list[object]:
        asked_for.append(host)
        ended.wait(PATIENCE)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with Track(connection_to("http://track.example.com"), SECONDS) as track:
        started = monotonic()
        reply = track.send("batch", b"{}")
        assert monotonic() - started < PATIENCE
    ended.set()
    assert asked_for == ["track.example.com"]
    assert (reply.status, reply.reached) == (0, False)
    assert "no name server has said in time where track.example.com is" in reply.fault


def asked(answering: Answering) -> Reply:
    server = Server(answering)
    with Track(connection_to(server.url), 20.0) as track:
        reply = track.send("batch", b"{}")
    server.close()
    return reply


@pytest.mark.parametrize("length", [b"Content-Length: 2000000000\r\n\r\n", b"\r\n"], ids=["announced", "not announced"])
def test_of_an_answer_without_end_only_so_much_is_read(length: bytes) -> None:
    reply = asked(without_end(OK + length, b" " * 1_000_000))
    assert not reply.whole
    assert len(reply.body) == 10_000_000


def test_what_comes_compressed_is_not_unpacked() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    head = OK + f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    reply = asked(at_once(head + bomb))
    assert (reply.status, reply.body, reply.whole) == (200, bomb, False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("9" * 400, 3600.0),
        ("0.5", 0.5),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0),
        ("Mon, 01 Jan 1970 00:00:00 -0000", 0.0),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_retry_after_of_any_year_is_bounded(value: str, seconds: float | None) -> None:
    assert waiting(value).retry_after == seconds


@pytest.mark.parametrize(
    "value",
    [
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Mon, 01 Jan 1970 00:00:00 +9999999999",
        "Mon, 99 Jan 1970 99:99:99 GMT",
        ",,,,,",
        "\xff\xfe",
    ],
)
def test_an_odd_date_is_a_bounded_wait_or_none(value: str) -> None:
    reply = waiting(value)
    assert reply.status == 429
    assert reply.retry_after is None or 0 <= reply.retry_after <= 3600


def waiting(retry_after: str) -> Reply:
    head = f"HTTP/1.1 429 Slow down\r\nRetry-After: {retry_after}\r\nContent-Length: 0\r\n\r\n"
    return asked(at_once(head.encode("latin-1")))


def test_a_host_that_is_not_there_was_not_reached() -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    with Track(connection_to(f"http://127.0.0.1:{port}"), SECONDS) as track:
        reply = track.send("batch", b"{}")
    assert (reply.status, reply.reached) == (0, False)
    assert "could not reach 127.0.0.1" in reply.fault


def test_a_host_that_has_no_name_was_not_reached() -> None:
    with Track(connection_to("http://a..example.com"), 2.0) as track:
        reply = track.send("batch", b"{}")
    assert (reply.status, reply.reached) == (0, False)
    assert "is no name of a host" in reply.fault


def test_the_proxy_that_the_environment_names_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Server(at_once(OK + b"Content-Length: 2\r\n\r\n{}"))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Track(connection_to("http://customerio.invalid"), SECONDS) as track:
        assert track.send("batch", b"{}").body == b"{}"
    proxy.close()
