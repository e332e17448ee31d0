"""Texts that others choose, in a browser at both widths: no script runs, and nothing is wider than the page."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests import hostile_pages
from tests.browser.conftest import WIDTHS
from tests.hostile_pages import HARM
from tests.world import World

WIDE = """[...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth && !each.closest(".scroll, nav"))
  .map((each) => each.outerHTML.slice(0, 200)).slice(-3)"""
"""What is wider than the page."""
# What pages do on either store is held by tests/integration/console; here it is how they look and are used.
pytestmark = pytest.mark.in_turn


@pytest.fixture
def width() -> str:
    """The width of the first page; each is looked at in both, and every second one is loaded at the other."""
    return next(iter(WIDTHS))


def test_no_script_of_others_runs_and_no_page_is_wider_than_it_is(
    make_world: Callable[..., World], open_page: Callable[..., Page]
) -> None:
    world = make_world(**hostile_pages.settings())
    hostile_pages.fill(world)
    page = open_page(world, "/")
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if "Content Security Policy" in message.text else None)
    wide: list[str] = []
    widths = list(WIDTHS.items())
    for address in hostile_pages.addresses(world):
        if address.endswith("/download"):
            continue
        page.goto(address)
        assert page.evaluate(f"typeof {HARM}") == "undefined", address
        assert said == [], address
        for width, (across, down) in widths:
            page.set_viewport_size({"width": across, "height": down})
            if not page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
                wide.append(f"{address} on a {width}: {page.evaluate(WIDE)}")
        widths.reverse()
    assert said == []
    assert wide == []
