"""Who may do what: held for every address that the console answers, whichever pages it has."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from connector.console.page import Route
from connector.console.pages import routes
from connector.settings.console_sign_in import ROLES, ConsoleRole
from tests.console import Browser, signing_in, text_of

OpenConsole = Callable[..., Browser]
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
ASK_FIRST = {"/held/{sync}/choose"}
"""Forms that change nothing, and lead to a page that says what will be done."""
POSTS = [each for each in routes() if each.method == "POST"]


def address(route: Route) -> str:
    """An address that the route answers, of something that is not there."""
    return re.sub(r"\{[^}]*\}", "1", route.path)


def called(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture
def browsers(open_console: OpenConsole) -> Iterator[dict[ConsoleRole, Browser]]:
    """Somebody of each role, signed in."""
    url = open_console(console=signing_in(**{f"a_{role}": role for role in ROLES})).client.base_url
    with ExitStack() as stack:
        found = {role: Browser(stack.enter_context(httpx.Client(base_url=url, timeout=30))) for role in ROLES}
        for role, browser in found.items():
            browser.sign_in(f"a_{role}")
        yield found


def ask(browser: Browser, route: Route, token: str | None = None) -> int:
    if route.method == "GET":
        return browser.client.get(address(route)).status_code
    return browser.client.post(address(route), data={} if token is None else {"csrf": token}).status_code


@on_sqlite
def test_every_address_is_refused_below_its_role(browsers: dict[ConsoleRole, Browser]) -> None:
    below = [(each, role) for each in routes() for role in ROLES[: ROLES.index(each.role)]]
    assert {
        (called(each), role) for each, role in below if ask(browsers[role], each, _token(browsers[role])) != 403
    } == set()
    assert "this needs the role" in text_of(browsers["masked_viewer"].client.get("/operators").text)


@on_sqlite
def test_every_page_is_answered_to_who_has_its_role(browsers: dict[ConsoleRole, Browser]) -> None:
    shown = [each for each in routes() if each.method == "GET"]
    assert {called(each) for each in shown if ask(browsers[each.role], each) in (303, 403, 500)} == set()


@on_sqlite
def test_every_form_is_refused_without_a_token_and_with_that_of_another_session(
    browsers: dict[ConsoleRole, Browser],
) -> None:
    somebody, other = browsers["approver"], _token(browsers["operator"])
    taken = {called(each) for each in POSTS for token in (None, "", "x", other) if ask(somebody, each, token) != 403}
    assert taken == set()


@on_sqlite
def test_every_form_is_refused_from_another_site(browsers: dict[ConsoleRole, Browser]) -> None:
    somebody = browsers["approver"]
    for header in ({"Origin": "https://example.com"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        somebody.client.headers.update(header)
        assert {called(each) for each in POSTS if ask(somebody, each, _token(somebody)) != 403} == set()
        for name in header:
            del somebody.client.headers[name]


@on_sqlite
def test_nobody_who_has_not_signed_in_is_shown_or_does_anything(browsers: dict[ConsoleRole, Browser]) -> None:
    nobody = browsers["approver"]
    nobody.client.cookies.clear()
    answers = {called(each): ask(nobody, each, "") for each in routes()}
    assert set(answers.values()) == {303}, answers


def test_every_form_is_noted_in_the_log_of_operators() -> None:
    assert {each.path for each in POSTS if not each.act} == ASK_FIRST
    assert [called(each) for each in routes() if each.act and each.method == "GET"] == []


def test_who_sees_nothing_personal_changes_nothing() -> None:
    assert [called(each) for each in POSTS if each.role == "masked_viewer"] == []


def _token(browser: Browser) -> str:
    return browser.get("/").split('name="csrf" value="')[1].split('"')[0]
