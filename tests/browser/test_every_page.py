"""Every page that the navigation leads to, in a browser: readable, within the width, by keyboard, without scripts."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from connector.console.navigation import NAVIGATION
from connector.console.pages import routes
from tests.world import World, message

# What pages do on either store is held by tests/integration/console; here it is how they look and are used.
pytestmark = pytest.mark.in_turn

OpenPage = Callable[..., Page]
SERVED = {each.path for each in routes()}
PAGES = [each.path for each in NAVIGATION if each.path in SERVED]


@pytest.fixture
def lived(world: World) -> World:
    world.run(message("u1", 1, email="u1@example.com"), message("u2", 1), message("u1", 2, segments=[]))
    return world


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_within_its_width_and_clean_for_who_cannot_see_it(
    lived: World, open_page: OpenPage, path: str
) -> None:
    page = open_page(lived, path)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.locator("h1").count() == 1
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_clean_in_the_dark_and_readable_without_scripts(
    lived: World, open_page: OpenPage, path: str
) -> None:
    assert open_page(lived, path, scripts=False).locator("main").inner_text().strip()
    found = Axe().run(open_page(lived, path, dark=True))
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("path", PAGES[-2:])
def test_the_page_that_is_shown_is_in_sight_among_the_others(lived: World, open_page: OpenPage, path: str) -> None:
    expect(open_page(lived, path).locator("nav [aria-current]")).to_be_in_viewport(ratio=1)


def test_keys_lead_to_the_search_and_from_page_to_page(lived: World, open_page: OpenPage) -> None:
    page = open_page(lived, "/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.locator("main").focus()
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/operators")


_BROKEN_WORDS = r"""() => {
  const words = /(?<![^\s(])[a-z]{2,10}(?![^\s.,:;)])/gi;  // whole ones: a long id, which has letters, may be broken
  const broken = [], texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  for (let text; (text = texts.nextNode());) for (const word of text.data.matchAll(words)) {
    const range = document.createRange();
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    if (range.getClientRects().length > 1) broken.push(word[0]);
  }
  return broken;
}"""


@pytest.mark.parametrize("path", ["/people/u1", "/people", "/try", "/problems/list", "/alerts"])
def test_on_the_narrowest_phone_nothing_is_beside_the_screen_and_no_short_word_is_broken(
    world: World, open_page: OpenPage, path: str
) -> None:
    world.run("[", message("u1", 1, email="u1@example.com", plan="business"))
    page = open_page(world, path)
    assert path == "/try" or page.evaluate(_BROKEN_WORDS) == []
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
