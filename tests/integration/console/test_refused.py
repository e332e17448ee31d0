"""What a browser is shown where no page answers, where a cookie is odd, and where the store is locked."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer

from connector.console import page_store
from connector.store.engine import Store
from tests.console import PASSWORD, Browser, signing_in, text_of
from tests.world import World

OpenConsole = Callable[..., Browser]
pytestmark = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
SECRET = "a secret of the tests, long enough to sign with"
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def answered(browser: Browser, path: str, method: str = "GET", headers: dict[str, str] | None = HTML) -> Any:
    return browser.client.request(method, path, headers=headers)


@pytest.mark.parametrize(("path", "method", "status"), [
    ("/nowhere", "GET", 404),
    ("/people/a/../../nowhere", "GET", 404),
    ("/static/nothing.css", "GET", 404),
    ("/problems", "DELETE", 405),
    ("/person/unsuppress", "GET", 405),
    ("/nowhere", "POST", 404),
])  # fmt: skip
def test_a_browser_is_shown_a_page_where_none_answers(
    open_console: OpenConsole, path: str, method: str, status: int
) -> None:
    answer = answered(open_console(), path, method)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "This did not work" in text_of(answer.text)
    assert 'href="/people"' in answer.text


def test_a_wrong_method_still_says_which_is_right(open_console: OpenConsole) -> None:
    assert answered(open_console(), "/person/unsuppress").headers["allow"] == "POST"


@pytest.mark.parametrize("headers", [HTML, {"Accept": "*/*"}])
@pytest.mark.parametrize(("path", "method", "status"), [
    ("/v1/changes", "GET", 405), ("/v1/changes", "POST", 503), ("/healthz", "POST", 405)
])  # fmt: skip
def test_the_doors_answer_in_json_whoever_asks(
    open_console: OpenConsole, path: str, method: str, status: int, headers: dict[str, str]
) -> None:
    answer = answered(open_console(), path, method, headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert set(answer.json()) >= {"detail", "code", "message"}


def test_a_program_is_told_in_json_that_there_is_no_such_address(open_console: OpenConsole) -> None:
    answer = answered(open_console(), "/nowhere", headers={"Accept": "*/*"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_who_has_not_signed_in_is_shown_no_navigation_there(open_console: OpenConsole) -> None:
    answer = answered(open_console(console=signing_in(ada="viewer")), "/nowhere")
    assert (answer.status_code, 'href="/people"' in answer.text) == (404, False)


def test_an_error_outside_of_the_pages_is_a_page_too(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = open_console()

    def fails(*_: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("connector.console.sign_in.access.own_path", fails)
    answer = answered(browser, "/sign-in")
    assert (answer.status_code, answer.headers["content-type"][:9]) == (500, "text/html")
    assert "its log says why" in text_of(answer.text)


ODD_SESSIONS = [
    [["a"], "ada", "password", "x", 1],
    ["id", ["ada"], "password", "x", 1],
    ["id", "ada", "password", {"x": 1}, 1],
    ["id", "ada", "password", "x", "late"],
    ["id", "ada", "password", "x", True],
    ["id", "ada", "password", "x", 10**400],
    ["id"],
    [],
    {"id": 1},
    "abcde",
    7,
    None,
]  # fmt: skip


def signed(salt: str, value: object) -> str:
    return str(URLSafeTimedSerializer(SECRET, salt=salt).dumps(value))


@pytest.mark.parametrize("session", ODD_SESSIONS, ids=str)
def test_a_signed_session_of_other_types_is_nobodys(open_console: OpenConsole, session: object) -> None:
    browser = open_console(console={"secret": SECRET, **signing_in(ada="viewer")})
    browser.client.cookies.set("connector_session", signed("session", session))
    assert answered(browser, "/").status_code == 303
    browser.sign_in("ada", PASSWORD)
    assert "Nothing waits" in browser.text("/")


@pytest.mark.parametrize("kept", [7, "x", [1], ["a", "b"], ["a", {"/": "soon"}], {"to": ["/"]}, {"x": "y"}], ids=str)
@pytest.mark.parametrize(("cookie", "salt"), [
    ("connector_note", "note"), ("connector_revealed", "revealed"), ("connector_errand", "errand")
])  # fmt: skip
def test_signed_cookies_of_other_types_say_nothing(
    open_console: OpenConsole, cookie: str, salt: str, kept: object
) -> None:
    browser = open_console(console={"secret": SECRET, "masked": True, **signing_in(ada="viewer")})
    browser.sign_in("ada")
    session, _ = URLSafeTimedSerializer(SECRET, salt="session").loads(
        browser.client.cookies["connector_session"], return_timestamp=True
    )
    own = [session[0], *kept[1:]] if isinstance(kept, list) else kept
    browser.client.cookies.set(cookie, signed(salt, own))
    assert answered(browser, "/").status_code == 200
    assert answered(browser, "/people").status_code == 200


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Another program holds the lock of the file."""
    other = sqlite3.connect(store.url.database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


def test_an_act_waits_a_moment_for_a_locked_store_and_then_says_so(
    world: World, open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_store, "_ACT_SECONDS", 0.2)
    browser = open_console(world)
    with locked(world.store):
        said = browser.post("/alerts/acknowledge", page="/try", status=503)
    assert "another program has been writing to it all the while" in said
    assert "Look whether it was done" in said


def test_an_act_waits_a_moment_for_the_writers_of_its_own_process(
    world: World, open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_store, "_ACT_SECONDS", 0.2)
    browser = open_console(world)
    with world.store.writing():
        said = browser.post("/alerts/acknowledge", page="/try", status=503)
    assert "is busy: something has been writing for longer than 0.2 s" in said


def test_signing_in_waits_no_longer_than_an_act(
    make_world: Callable[..., World], open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_store, "_ACT_SECONDS", 0.2)
    world = make_world(console=signing_in(ada="viewer"))
    browser = open_console(world)
    with locked(world.store):
        assert "nobody is let in who is not noted" in browser.sign_in("ada", status=503)


def test_what_looks_through_whole_tables_waits_as_ever(world: World) -> None:
    hurried = world.store.hurried(0.0)
    with hurried.writing(patient=True) as tx:
        assert "wait_seconds" not in tx.get_execution_options()
    with hurried.writing() as tx:
        assert tx.get_execution_options()["wait_seconds"] == 0.0
