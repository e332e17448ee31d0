"""What is personal stays masked until somebody asks to see it, and that they did is noted."""

from collections.abc import Callable

import pytest

from connector.admin.operator_acts import digest
from connector.console import pages
from connector.console.page import Desk, Download, Page, Route, Visit
from tests.console import Browser, signing_in
from tests.world import World

OpenConsole = Callable[..., Browser]
MARKER = "Zora-in-clear"
pytestmark = pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)


def _shown(_: Desk, visit: Visit) -> Page:
    return Page("refused.html", {"reason": MARKER if visit.visitor.sees_people else "masked"}, about_people=True)


def _saved(_: Desk, visit: Visit) -> Download:
    return Download("people.txt", "text/plain", MARKER if visit.visitor.sees_people else "masked")


def _who(visit: Visit) -> str:
    return str(visit.path["who"])


class _Pages:
    ROUTES = (
        Route("/shown", _shown),
        Route("/shown/{who}", _shown, subject=_who, of_person=True),
        Route("/shown/{who}/saved", _saved, subject=_who, of_person=True),
    )


@pytest.fixture(autouse=True)
def people_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that show somebody."""
    monkeypatch.setattr(pages, "_PAGES", (*pages._PAGES, _Pages))


def press(browser: Browser, page: str) -> str:
    """Presses "Show what is personal"."""
    html = browser.get(page)
    fields = {name: html.split(f'name="{name}" value="')[1].split('"')[0] for name in ("csrf", "subject", "to")}
    return browser.post("/reveal", fields, page=page)


def test_what_is_personal_is_shown_after_asking_and_only_of_whom_one_asked_for(
    make_world: Callable[..., World], open_console: OpenConsole
) -> None:
    browser = open_console(make_world(console={"masked": True, **signing_in(ada="viewer")}))
    browser.sign_in("ada")
    assert MARKER not in browser.get("/shown/u1")
    assert MARKER not in browser.get("/shown/u1/saved")
    assert "You see what is personal here for 15 min. This is noted." in press(browser, "/shown/u1?a=b")
    assert MARKER in browser.get("/shown/u1")
    assert MARKER in browser.get("/shown/u1/saved")
    assert MARKER not in browser.get("/shown/u2")
    assert MARKER not in browser.get("/shown")
    press(browser, "/shown")
    assert MARKER in browser.get("/shown")
    shown = browser.text("/operators")
    assert f"ada console reveal {digest('u1')} done" in shown
    assert "ada console reveal /shown done" in shown


def test_who_sees_nothing_personal_never_does(open_console: OpenConsole) -> None:
    browser = open_console(console={"masked": True, **signing_in(eve="masked_viewer")})
    browser.sign_in("eve")
    html = browser.get("/shown/u1")
    assert MARKER not in html
    assert "/reveal" not in html
    browser.post("/reveal", {"subject": "/shown"}, status=403)
    assert MARKER not in browser.get("/shown")


def test_what_one_session_sees_is_no_other_ones(open_console: OpenConsole) -> None:
    browser = open_console(console={"masked": True, **signing_in(ada="viewer", eve="viewer")})
    browser.sign_in("ada")
    press(browser, "/shown")
    seen = browser.client.cookies["connector_revealed"]
    browser.post("/sign-out")
    browser.sign_in("eve")
    browser.client.cookies.set("connector_revealed", seen)
    assert MARKER not in browser.get("/shown")


def test_without_the_setting_nothing_is_masked_but_for_who_may_not_see_it(open_console: OpenConsole) -> None:
    browser = open_console(console=signing_in(ada="viewer", eve="masked_viewer"))
    browser.sign_in("ada")
    assert MARKER in browser.get("/shown")
    browser.post("/sign-out")
    browser.sign_in("eve")
    assert MARKER not in browser.get("/shown")


@pytest.mark.parametrize(
    "subject", ["", "x", "ada@example.com", "sha256:", "/Shown", "/shown/u1", "sha256:" + "z" * 16]
)
def test_only_what_a_page_offers_can_be_asked_for(open_console: OpenConsole, subject: str) -> None:
    browser = open_console(console={"masked": True})
    assert "go back to the page" in browser.post("/reveal", {"subject": subject}, page="/shown", status=409)


def test_many_reveals_fit_into_a_cookie(open_console: OpenConsole) -> None:
    browser = open_console(console={"masked": True})
    for number in range(30):
        press(browser, f"/shown/u{number}")
    assert len(browser.client.cookies["connector_revealed"]) < 3000
    assert MARKER in browser.get("/shown/u29")
    assert MARKER not in browser.get("/shown/u1")


def test_what_somebody_does_who_came_by_a_proxy_is_noted_under_their_name(open_console: OpenConsole) -> None:
    proxy = {"trusted": ["127.0.0.1"], "user_header": "X-User", "roles": {"*": "viewer"}}
    browser = open_console(console={"proxy": proxy, "masked": True})
    browser.client.headers["X-User"] = "ada@example.com"
    assert browser.client.post("/reveal", data={"subject": "/shown"}).status_code == 403
    press(browser, "/shown")
    assert "ada@example.com console reveal /shown done" in browser.text("/operators")
