"""Requests in a browser, at both widths: the list, one request, what is copied."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.simulated import Simulated
from tests.world import World, message

# What pages do on either store is held by tests/integration/console; here it is how they look and are used.
pytestmark = pytest.mark.in_turn

OpenPage = Callable[..., Page]


@pytest.fixture
def lived(make_world: Callable[..., World], simulator: Simulated) -> World:
    """Two people in one request; an item of Bob's is refused."""
    world = make_world(sync={"attributes": ["plan"]}, retention={"call_bodies": "all"})
    simulator.go_wrong({"path": "/api/v2/batch", "items": "1002", "times": 1})
    world.take(message("ann", 1, plan="x" * 3000, external_id="1001"), message("bob", 1, external_id="1002"))
    world.settle()
    return world


def test_from_the_list_one_comes_to_the_request_and_from_it_to_the_person(lived: World, open_page: OpenPage) -> None:
    page = open_page(lived, "/calls")
    page.locator("select[name=verdict]").select_option("refused")
    page.get_by_role("button", name="Show").click()
    page.locator("#calls tbody a").first.click()
    expect(page.locator("main .sentence")).to_contain_text("Some refused")
    page.get_by_role("link", name="bob").click()
    expect(page.locator("h1")).to_have_text("bob")


def test_a_new_request_comes_into_the_list_by_itself_unless_it_is_paused(lived: World, open_page: OpenPage) -> None:
    page = open_page(lived, "/calls")
    before = page.locator("#calls tbody tr").count()
    lived.run(message("cleo", 1, external_id="1004"))
    expect(page.locator("#calls tbody tr")).to_have_count(before + 1, timeout=20_000)
    page.locator("#pause").click()
    expect(page.locator("#pause")).to_have_text("Go on refreshing")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_request_is_within_its_width_and_clean(lived: World, open_page: OpenPage, dark: bool) -> None:
    page = open_page(lived, "/calls", dark=dark)
    page.locator("#calls tbody a").first.click()
    expect(page.locator("h1")).to_have_text("A request to Customer.io")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_command_is_copied_by_a_button(lived: World, open_page: OpenPage) -> None:
    page = open_page(lived, "/calls")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#calls tbody a").first.click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl -X POST http")
