"""Signing in at a reverse proxy: its header counts where it comes from one that is trusted, and nowhere else."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.console import Browser, signing_in, text_of

OpenConsole = Callable[..., Browser]
pytestmark = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
PROXY: dict[str, Any] = {
    "trusted": ["127.0.0.1"],
    "user_header": "X-User",
    "groups_header": "X-Groups",
    "roles": {"ops": "operator", "leads": "approver", "*": "masked_viewer"},
}


@pytest.mark.parametrize(
    ("groups", "role"),
    [("", "masked_viewer"), ("ops", "operator"), ("staff, ops ,leads", "approver"), ("OPS", "masked_viewer")],
)
def test_a_trusted_proxy_says_who_asks_and_their_groups_say_what_they_may(
    open_console: OpenConsole, groups: str, role: str
) -> None:
    browser = open_console(console={"proxy": PROXY})
    answer = browser.client.get("/", headers={"X-User": "ada@example.com", "X-Groups": groups})
    assert f"ada@example.com · {role}" in text_of(answer.text)
    assert "Sign out" not in answer.text


def test_the_header_of_anybody_else_is_refused(open_console: OpenConsole) -> None:
    browser = open_console(console={"proxy": {**PROXY, "trusted": ["192.0.2.0/24", "2001:db8::/32"]}})
    for forged in ({}, {"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}):
        answer = browser.client.get("/", headers={"X-User": "ada", **forged})
        assert (answer.status_code, "none of [console.proxy] trusted" in answer.text) == (403, True)


def test_it_is_refused_too_where_somebody_may_sign_in_otherwise(open_console: OpenConsole) -> None:
    proxy = {**PROXY, "trusted": ["192.0.2.1"]}
    browser = open_console(console={"proxy": proxy, **signing_in(ada="viewer")})
    browser.sign_in("ada")
    assert browser.client.get("/", headers={"X-User": "eve"}).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("X-User", "ada"), ("X-User", "eve")], 403),
        ([("X-User", "")], 403),
        ([("X-User", "a" * 201)], 403),
        ([("X-User", "a\x85da")], 403),
        ([("X-User", "ada\x7f")], 400),
    ],
    ids=["twice", "empty", "long", "control", "control that HTTP forbids"],
)
def test_a_header_that_does_not_say_in_one_line_who_asks_is_refused(
    open_console: OpenConsole, headers: list[tuple[str, str]], status: int
) -> None:
    as_sent = [(name.encode(), value.encode()) for name, value in headers]
    assert open_console(console={"proxy": PROXY}).client.get("/", headers=as_sent).status_code == status


def test_whose_groups_have_no_role_is_told_so(open_console: OpenConsole) -> None:
    browser = open_console(console={"proxy": {**PROXY, "roles": {"ops": "viewer"}}})
    answer = browser.client.get("/", headers={"X-User": "ada", "X-Groups": "staff"})
    assert (answer.status_code, "no group of theirs has a role" in text_of(answer.text)) == (403, True)


def test_whom_the_proxy_does_not_name_is_told_to_come_by_it(open_console: OpenConsole) -> None:
    answer = open_console(console={"proxy": PROXY}).client.get("/", follow_redirects=True)
    assert "Open the console by the proxy's address" in text_of(answer.text)


def test_several_ways_may_be_open_at_once(open_console: OpenConsole) -> None:
    browser = open_console(console={"proxy": PROXY, **signing_in(eve="viewer")})
    assert "eve · viewer" in browser.sign_in("eve")
    answer = browser.client.get("/", headers={"X-User": "ada", "X-Groups": "leads"})
    assert "ada · approver" in text_of(answer.text)


def test_attempts_count_for_the_address_that_a_proxy_names(open_console: OpenConsole) -> None:
    browser = open_console(console=signing_in(ada="viewer"))
    browser.client.headers["X-Forwarded-For"] = "198.51.100.1, 192.0.2.7"
    for number in range(10):
        browser.sign_in(f"nobody{number}", status=401)
    assert "Try again in" in browser.sign_in("somebody", status=429)
    browser.client.headers["X-Forwarded-For"] = "198.51.100.1, 192.0.2.8"
    browser.sign_in("ada")
