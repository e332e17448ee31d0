"""Who is let in at the console, and which forms are taken."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import pytest

from connector.console import pages
from connector.console.page import Page, Redirect, Route
from connector.console.pages import try_it
from connector.errors import StoreError
from connector.store.engine import Store
from tests.console import Browser, text_of
from tests.world import World

OpenConsole = Callable[..., Browser]


class _Some(NamedTuple):
    ROUTES: tuple[Route, ...]


def test_this_machine_sees_in_a_sentence_how_things_stand(open_console: OpenConsole) -> None:
    assert "Nothing waits" in open_console().text("/")


@pytest.mark.parametrize(
    "header", [{"Host": "example.com"}, {"X-Forwarded-For": "192.0.2.1"}, {"Forwarded": "for=192.0.2.1"}]
)
def test_without_a_sign_in_nobody_from_elsewhere_is_let_in(open_console: OpenConsole, header: dict[str, str]) -> None:
    answer = open_console().client.get("/", headers=header)
    assert (answer.status_code, "[console.users]" in text_of(answer.text)) == (403, True)


def test_a_page_is_kept_by_no_browser_and_runs_nothing_from_elsewhere(open_console: OpenConsole) -> None:
    headers = open_console().client.get("/").headers
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    cookie = headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite" in cookie


def test_the_console_can_be_switched_off(open_console: OpenConsole) -> None:
    assert open_console(console={"enabled": False}).client.get("/").status_code == 404


def test_what_somebody_did_stands_in_the_log_of_operators(world: World, open_console: OpenConsole) -> None:
    assert "Nobody has done anything by hand" in open_console(world).text("/operators")


@pytest.mark.parametrize("fault", ["handler", "template"])
def test_a_page_that_fails_by_a_fault_of_ours_says_so_in_words(
    open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    def broken(*_: object) -> Page:
        if fault == "template":
            return Page("operators.html", {})
        raise KeyError("of-nobody")

    monkeypatch.setattr(pages, "_PAGES", (_Some((Route("/broken", broken),)),))
    page = open_console().client.get("/broken")
    assert page.status_code == 500
    assert "its log says why" in text_of(page.text)
    assert "of-nobody" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_acts_that_wait_keep_nobody_from_looking(open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = Event(), Event()

    def waits(*_: object) -> Redirect:
        begun.set()
        assert go_on.wait(60)
        return Redirect("/quick", "Done.")

    acts = Route("/waits", waits, "operator", "POST", "waits")
    looks = Route("/quick", lambda *_: Page("refused.html", {"reason": "Here it is."}))
    monkeypatch.setattr(pages, "_PAGES", (_Some((acts, looks)), try_it))
    browser = open_console(console={"pages_at_once": 1})
    with ThreadPoolExecutor() as threads:
        act = threads.submit(browser.post, "/waits", page="/try")
        try:
            assert begun.wait(60)
            assert "Here it is." in browser.text("/quick")
        finally:
            go_on.set()
        assert "Done." in act.result()


def test_a_page_says_that_the_store_is_away_where_it_is(
    world: World, open_console: OpenConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = open_console(world)

    def away(*_: object, **__: object) -> None:
        raise StoreError("the store is away")

    monkeypatch.setattr(Store, "reading", away)
    for path in ("/", "/people?q=u1", "/calls", "/funnel", "/problems", "/held", "/jobs", "/alerts", "/operators"):
        assert "The store did not answer" in browser.text(path, 503), path


@pytest.mark.parametrize("path", ["/people/%00", "/calls?sync=a%00", "/problems?subject=%00", "/operators?act=%00"])
def test_an_address_with_a_character_that_no_text_has_is_refused_with_a_reason(
    open_console: OpenConsole, path: str
) -> None:
    answer = open_console().client.get(path)
    assert (answer.status_code, "NUL (0x00)" in text_of(answer.text)) == (400, True)


@pytest.mark.parametrize(("path", "form"), [("/workspaces/%00/resume", {}), ("/alerts/test", {"channel": "a\0"})])
def test_a_form_with_a_character_that_no_text_has_is_refused_with_a_reason(
    open_console: OpenConsole, path: str, form: dict[str, str]
) -> None:
    assert "NUL (0x00)" in open_console().post(path, form, page="/try", status=400)
