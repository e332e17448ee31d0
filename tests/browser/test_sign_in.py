"""Signing in in a browser, at both widths: by keyboard, without scripts, with mistakes, and back to where one was."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from connector.console.attempts import FREE_ATTEMPTS
from connector.console.sessions import COOKIE
from tests.console import PASSWORD, signing_in
from tests.world import World, message

# What pages do on either store is held by tests/integration/console; here it is how they look and are used.
pytestmark = pytest.mark.in_turn

OpenPage = Callable[..., Page]
MakeWorld = Callable[..., World]
OIDC = {
    "issuer": "https://accounts.example.com", "client_id": "the-console",
    "groups_claim": "groups", "roles": {"*": "viewer"},
}  # fmt: skip
PROXY = {"trusted": ["192.0.2.1"], "user_header": "X-User", "roles": {"*": "viewer"}}
WANTED = "/problems?kind=refused"


@pytest.fixture
def sign_in_at(make_world: MakeWorld, open_page: OpenPage) -> Callable[..., Page]:
    """Opens a page of a console that asks who one is."""

    def opened(path: str = WANTED, console: dict[str, Any] | None = None, **how: bool) -> Page:
        world = make_world(console=console or signing_in(ada="operator"))
        world.take(message("u1", 1))
        return open_page(world, path, **how)

    return opened


def clean(page: Page) -> None:
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def give(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_is_clean_and_leads_to_the_page_that_was_asked_for(
    sign_in_at: Callable[..., Page], dark: bool
) -> None:
    page = sign_in_at(dark=dark)
    clean(page)
    give(page)
    page.wait_for_url(f"**{WANTED}")
    expect(page.locator(".who")).to_contain_text("ada · operator")


def test_one_signs_in_by_keyboard_alone(sign_in_at: Callable[..., Page]) -> None:
    page = sign_in_at()
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{WANTED}")


def test_one_signs_in_and_out_without_scripts(sign_in_at: Callable[..., Page]) -> None:
    page = sign_in_at(scripts=False)
    give(page)
    page.wait_for_url(f"**{WANTED}")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("main")).to_contain_text("You have signed out.")


def test_a_wrong_password_is_said_and_the_name_stays(sign_in_at: Callable[..., Page]) -> None:
    page = sign_in_at()
    give(page, "something else altogether")
    expect(page.get_by_role("alert")).to_contain_text("There is nobody of this name with this password")
    expect(page.get_by_label("Name")).to_have_value("ada")
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Password")).to_be_focused()
    clean(page)
    give(page)
    page.wait_for_url(f"**{WANTED}")


def test_after_many_attempts_the_page_says_how_long_to_wait_and_keeps_what_was_wanted(
    sign_in_at: Callable[..., Page],
) -> None:
    page = sign_in_at()
    for _ in range(FREE_ATTEMPTS + 1):
        give(page, "something else altogether")
        page.wait_for_load_state()
    expect(page.get_by_role("alert")).to_contain_text("Too many attempts have failed. Try again in")
    expect(page.locator("[name=to]")).to_have_value(WANTED)
    clean(page)


def test_who_is_signed_out_in_the_middle_comes_back_to_where_they_were(sign_in_at: Callable[..., Page]) -> None:
    page = sign_in_at("/")
    give(page)
    page.get_by_role("link", name="Calls").click()
    page.wait_for_url("**/calls")
    page.context.clear_cookies(name=COOKIE)
    page.wait_for_url("**/sign-in?to=/calls")  # the page takes itself anew every few seconds
    give(page)
    page.wait_for_url("**/calls")


def test_a_provider_has_a_button_of_its_own_beside_the_password(sign_in_at: Callable[..., Page]) -> None:
    page = sign_in_at(console={**signing_in(ada="operator"), "oidc": OIDC})
    button = page.get_by_role("link", name="Sign in at accounts.example.com")
    assert button.get_attribute("href") == "/sign-in/oidc?to=/problems%3Fkind%3Drefused"
    assert (button.bounding_box() or {"height": 0})["height"] >= 24
    clean(page)


def test_behind_a_proxy_that_has_said_nothing_the_page_says_where_to_go(sign_in_at: Callable[..., Page]) -> None:
    page = sign_in_at(console={"proxy": PROXY})
    expect(page.locator("main")).to_contain_text("Open the console by the proxy's address")
    expect(page.locator("form")).to_have_count(0)
    clean(page)


def test_what_a_proxy_says_that_is_not_trusted_is_refused_in_words(sign_in_at: Callable[..., Page]) -> None:
    page = sign_in_at(console={"proxy": PROXY})
    page.set_extra_http_headers({"X-User": "ada"})
    page.goto("/")
    expect(page.get_by_role("alert")).to_contain_text("none of [console.proxy] trusted")
    clean(page)
