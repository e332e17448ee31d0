"""Signing in with a password: who is let in, for how long, how often one may try, and what is noted of it."""

import time
from collections.abc import Callable

import pytest

from connector.console import sessions
from connector.console.attempts import FREE_ATTEMPTS
from tests.console import PASSWORD, Browser, password_hash, signing_in, text_of
from tests.world import World

OpenConsole = Callable[..., Browser]
MakeWorld = Callable[..., World]
SECRET = "a-secret-that-every-process-has"
on_sqlite = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def cookie_of(browser: Browser) -> str:
    return browser.client.cookies["connector_session"]


def test_who_signs_in_is_led_to_the_page_they_asked_for(make_world: MakeWorld, open_console: OpenConsole) -> None:
    browser = open_console(make_world(console=signing_in(ada="viewer")))
    asked = browser.client.get("/operators?act=sign")
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?to=/operators%3Fact%3Dsign")
    shown = browser.sign_in("Ada ", to="/operators?act=sign")
    assert "ada · viewer" in shown
    assert "sign-in password done" in shown


@on_sqlite
@pytest.mark.parametrize(
    ("name", "password"),
    [("ada", "wrong"), ("eve", PASSWORD), ("", ""), ("ada", ""), ("ada", PASSWORD + " "), ("ada\0", PASSWORD),
     ("<script>alert(1)</script>", PASSWORD), ("ada", "x" * 100_000), ("\u202eada", PASSWORD), ("{{ 7*7 }}", PASSWORD)],
)  # fmt: skip
def test_nobody_is_let_in_by_another_name_or_password(open_console: OpenConsole, name: str, password: str) -> None:
    browser = open_console(console=signing_in(ada="approver"))
    assert "There is nobody of this name with this password" in browser.sign_in(name, password, status=401)
    assert browser.client.get("/").status_code == 303


@on_sqlite
def test_a_name_comes_back_escaped(open_console: OpenConsole) -> None:
    browser = open_console(console=signing_in(ada="viewer"))
    page = browser.get("/sign-in")
    token = page.split('name="csrf" value="')[1].split('"')[0]
    name = '"><script>alert(1)</script>{{ 7*7 }}'
    answer = browser.client.post("/sign-in", data={"csrf": token, "name": name, "password": "x"})
    assert "<script>alert" not in answer.text
    assert "{{ 7*7 }}" in answer.text


def test_what_was_tried_is_noted_and_says_nothing_of_what_was_typed(
    make_world: MakeWorld, open_console: OpenConsole
) -> None:
    browser = open_console(make_world(console=signing_in(ada="approver")))
    browser.sign_in("ada", "a wrong one", status=401)
    browser.sign_in("my secret password", "x", status=401)
    browser.sign_in("ada")
    shown = browser.text("/operators")
    assert "ada console sign-in password from 127.0.0.1 failed" in shown
    assert "ada console sign-in password done" in shown
    assert "my secret" not in shown
    assert "a wrong one" not in shown
    browser.post("/sign-out", status=200)
    browser.sign_in("ada")
    assert "ada console sign-out password done" in browser.text("/operators")


@on_sqlite
def test_after_some_attempts_one_has_to_wait_even_with_the_right_password(open_console: OpenConsole) -> None:
    browser = open_console(console=signing_in(ada="viewer", eve="viewer"))
    for _ in range(FREE_ATTEMPTS):
        browser.sign_in("ada", "wrong", status=401)
    assert "Try again in" in browser.sign_in("ada", status=429)
    answer = browser.client.post("/sign-in", data={"csrf": _token(browser), "name": "eve", "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


def _token(browser: Browser) -> str:
    return browser.get("/sign-in").split('name="csrf" value="')[1].split('"')[0]


@on_sqlite
def test_an_attempt_needs_the_form_of_our_own_page(open_console: OpenConsole) -> None:
    browser = open_console(console=signing_in(ada="viewer"))
    form = {"name": "ada", "password": PASSWORD}
    assert browser.client.post("/sign-in", data=form).status_code == 403
    assert browser.client.post("/sign-in", data={**form, "csrf": "x"}).status_code == 403
    foreign = {"Origin": "https://example.com"}
    assert browser.client.post("/sign-in", data={**form, "csrf": _token(browser)}, headers=foreign).status_code == 403


@on_sqlite
def test_signing_in_begins_a_new_session(open_console: OpenConsole) -> None:
    browser = open_console(console=signing_in(ada="viewer"))
    token = _token(browser)
    before = cookie_of(browser)
    browser.sign_in("ada")
    after = cookie_of(browser)
    assert after != before
    browser.client.cookies.clear()
    browser.client.cookies.set("connector_session", before)
    assert browser.client.get("/").status_code == 303
    browser.client.cookies.set("connector_session", after)
    assert browser.client.post("/sign-out", data={"csrf": token}).status_code == 403


@on_sqlite
def test_signing_out_ends_the_session_for_a_copy_of_its_cookie_too(open_console: OpenConsole) -> None:
    browser = open_console(console=signing_in(ada="viewer"))
    browser.sign_in("ada")
    copied = cookie_of(browser)
    assert "You have signed out" in browser.post("/sign-out")
    browser.client.cookies.clear()
    browser.client.cookies.set("connector_session", copied)
    assert browser.client.get("/").status_code == 303


@on_sqlite
@pytest.mark.parametrize("cookie", ["", "x", "W10.x.y", "a" * 4000, "WyJhIiwiYWRhIiwicGFzc3dvcmQiLCIiLDBd.Zxxxxx.AAAA"])
def test_a_cookie_that_we_did_not_sign_is_nobodys(open_console: OpenConsole, cookie: str) -> None:
    browser = open_console(console=signing_in(ada="viewer"))
    browser.client.cookies.set("connector_session", cookie)
    assert browser.client.get("/").status_code == 303


@on_sqlite
def test_a_session_ends_at_its_age_however_often_pages_are_asked_for(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = open_console(console={**signing_in(ada="viewer"), "session_seconds": 1000.0})
    browser.sign_in("ada")
    begun = time.time()
    for later, status in ((400, 200), (800, 200), (998, 200), (1001, 303)):
        monkeypatch.setattr(sessions, "time", lambda at=begun + later: at)
        assert browser.client.get("/").status_code == status


@on_sqlite
@pytest.mark.parametrize(
    "later",
    [{"eve": {"role": "viewer", "password_hash": password_hash()}},
     {"ada": {"role": "viewer", "password_hash": password_hash("another one")}}],
    ids=["taken out", "another password"],
)  # fmt: skip
def test_who_was_taken_out_or_has_another_password_is_out_at_the_next_request(
    make_world: MakeWorld, open_console: OpenConsole, later: dict[str, dict[str, str]]
) -> None:
    browser = open_console(make_world(console={**signing_in(ada="viewer"), "secret": SECRET}))
    browser.sign_in("ada")
    restarted = open_console(make_world(console={"users": later, "secret": SECRET}))
    restarted.client.cookies.set("connector_session", cookie_of(browser))
    assert restarted.client.get("/").status_code == 303


@on_sqlite
def test_a_role_that_changed_holds_from_the_next_request_on(make_world: MakeWorld, open_console: OpenConsole) -> None:
    settings = {**signing_in(ada="approver"), "secret": SECRET}
    browser = open_console(make_world(console=settings))
    browser.sign_in("ada")
    assert browser.client.get("/operators").status_code == 200
    less = {"users": {"ada": {**settings["users"]["ada"], "role": "masked_viewer"}}, "secret": SECRET}
    restarted = open_console(make_world(console=less))
    restarted.client.cookies.set("connector_session", cookie_of(browser))
    assert restarted.client.get("/operators").status_code == 403


@on_sqlite
@pytest.mark.parametrize(
    "to",
    ["//example.com", "https://example.com", "/\\example.com", "\\\\example.com", "javascript:alert(1)", "operators",
     "/operators\r\nSet-Cookie: a=b", "/\t/example.com", "/" + "x" * 5000, "", "/\u202eoperators"],
)  # fmt: skip
def test_nobody_is_led_elsewhere(open_console: OpenConsole, to: str) -> None:
    browser = open_console(console=signing_in(ada="viewer"))
    form = {"csrf": _token(browser), "name": "ada", "password": PASSWORD, "to": to}
    answer = browser.client.post("/sign-in", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "a=b" not in answer.headers["set-cookie"]


@on_sqlite
def test_with_https_cookies_are_for_this_host_and_https_alone(open_console: OpenConsole) -> None:
    browser = open_console(console=signing_in(ada="viewer"))
    answer = browser.client.get("/sign-in", headers={"X-Forwarded-Proto": "https"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-connector_session=")
    flags = {each.strip().lower() for each in cookie.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags
    assert not any(each.startswith("domain") for each in flags)


@on_sqlite
def test_a_page_without_a_session_ends_in_the_sign_in_page_that_has_no_navigation(open_console: OpenConsole) -> None:
    answer = open_console(console=signing_in(ada="viewer")).client.get("/operators", follow_redirects=True)
    assert "Sign in" in text_of(answer.text)
    assert "Held deletions" not in answer.text


@on_sqlite
def test_nobody_is_let_in_who_cannot_be_noted(make_world: MakeWorld, open_console: OpenConsole) -> None:
    world = make_world(console=signing_in(ada="viewer"))
    browser = open_console(world)
    with world.store.writing() as tx:
        tx.exec_driver_sql("ALTER TABLE operator_log RENAME TO gone")
    assert "nobody is let in who is not noted" in browser.sign_in("ada", status=503)
    assert browser.client.get("/").status_code == 303
    with world.store.writing() as tx:
        tx.exec_driver_sql("ALTER TABLE gone RENAME TO operator_log")


@on_sqlite
def test_whose_form_came_after_their_session_reads_that_nothing_was_done(open_console: OpenConsole) -> None:
    browser = open_console(console=signing_in(ada="approver"))
    answer = browser.client.post("/held/main/drop", data={"all": "yes", "count": "1"}, follow_redirects=True)
    assert "You were not signed in any more, so nothing was done." in answer.text
    assert "nothing was done" not in browser.client.get("/sign-in").text
