"""Where a request comes from, and who is of this machine."""

from typing import Any

import pytest
from fastapi import HTTPException, Request

from connector.console import access
from connector.console.origin import is_loopback, origin_of, subnet
from connector.console.visitor import LOOPBACK
from connector.settings.console import ConsoleSettings
from connector.web.protocol import PEER


def request(peer: str, host: str = "localhost:8080", version: str = "1.1", **headers: str) -> Request:
    given = {"host": host, **{name.replace("_", "-"): text for name, text in headers.items()}}
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "scheme": "http",
        "server": ("127.0.0.1", 8080),
        "http_version": version,
        "headers": [(name.encode(), text.encode()) for name, text in given.items()],
        "client": ("203.0.113.9", 1),  # what uvicorn makes of headers
        PEER: peer,
    }
    return Request(scope)


@pytest.mark.parametrize(
    ("peer", "host"),
    [("127.0.0.1", "localhost:8080"), ("127.0.0.1", "127.0.0.1"), ("::1", "[::1]:8080"), ("127.0.0.5", "127.0.0.1:80"),
     ("::ffff:127.0.0.1", "localhost")],
)  # fmt: skip
def test_without_a_sign_in_this_machine_is_let_in(peer: str, host: str) -> None:
    assert access.of_this_machine(request(peer, host)) == LOOPBACK


@pytest.mark.parametrize(
    "asked",
    [request("192.0.2.1"), request("2001:db8::1"), request("::ffff:192.0.2.1"), request(""), request("unix"),
     request("127.0.0.1", "evil.example"), request("127.0.0.1", "localhost.evil.example"), request("127.0.0.1", ""),
     request("127.0.0.1", "localhost@evil.example"), request("127.0.0.1", "[::1"), request("127.0.0.1", "0x7f.1"),
     request("127.0.0.1", x_forwarded_for="127.0.0.1"), request("127.0.0.1", forwarded="for=127.0.0.1"),
     request("127.0.0.1", x_forwarded_host="localhost"), request("127.0.0.1", x_real_ip="127.0.0.1"),
     request("127.0.0.1", via="1.1 proxy"), request("127.0.0.1", x_forwarded_proto="https"),
     request("127.0.0.1", version="1.0")],
)  # fmt: skip
def test_without_a_sign_in_nobody_else_is_let_in(asked: Request) -> None:
    with pytest.raises(HTTPException, match="this machine only"):
        access.of_this_machine(asked)


def test_a_second_host_header_is_refused() -> None:
    asked = request("127.0.0.1")
    asked.scope["headers"].append((b"host", b"evil.example"))
    with pytest.raises(HTTPException):
        access.of_this_machine(asked)


@pytest.mark.parametrize(
    ("peer", "said", "address"),
    [("192.0.2.1", "198.51.100.7", "192.0.2.1"), ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
     ("127.0.0.1", "10.0.0.1, 198.51.100.7", "198.51.100.7"), ("127.0.0.1", "198.51.100.7, 127.0.0.1", "198.51.100.7"),
     ("127.0.0.1", "nonsense", "127.0.0.1"), ("127.0.0.1", "1.1.1.1, nonsense", "127.0.0.1"),
     ("::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7"), ("127.0.0.1", "," * 5000, "127.0.0.1")],
)  # fmt: skip
def test_only_a_believed_proxy_says_where_a_visitor_comes_from(peer: str, said: str, address: str) -> None:
    assert origin_of(request(peer, x_forwarded_for=said), ConsoleSettings()).address == address


@pytest.mark.parametrize(("peer", "secure"), [("127.0.0.1", True), ("192.0.2.1", False)])
def test_only_a_believed_proxy_says_that_the_browser_speaks_https(peer: str, secure: bool) -> None:
    assert origin_of(request(peer, x_forwarded_proto="https"), ConsoleSettings()).secure is secure


def test_what_a_proxy_adds_as_a_line_of_its_own_counts_and_not_what_its_client_said() -> None:
    asked = request("127.0.0.1", x_forwarded_proto="https")
    asked.scope["headers"].append((b"x-forwarded-proto", b"http"))
    assert not origin_of(Request(asked.scope), ConsoleSettings()).secure


def test_a_customer_of_ipv6_is_one_visitor() -> None:
    assert subnet("2001:db8:1:2:3:4:5:6") == subnet("2001:db8:1:2:ffff::1") != subnet("2001:db8:1:3::1")
    assert subnet("::ffff:192.0.2.1") == subnet("192.0.2.1")


def test_an_address_with_a_zone_is_no_loopback() -> None:
    assert not is_loopback("fe80::1%eth0")
    assert is_loopback("::1")
