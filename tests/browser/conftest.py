"""Pages in a real browser: Debian's Chromium, driven by Playwright, at the width of a desk and of a phone."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from tests.console import console
from tests.integration.conftest import *  # noqa: F403 - the fixtures, whose list stands there once
from tests.world import World

WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")
"""By their names in Debian and elsewhere. The first is the same engine without windows: it takes a third less CPU."""
_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """Debian's Chromium, without a screen. Until it ends, with the module, asyncio believes that a loop runs here."""
    path = next(filter(None, map(shutil.which, _BROWSERS)), None)
    if path is None:
        pytest.skip("chromium is not installed: apt install chromium-headless-shell, or chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_QUIET, "--disable-sync", "--no-first-run"])
        yield browser
        browser.close()


@pytest.fixture(params=sorted(WIDTHS))
def width(request: pytest.FixtureRequest) -> str:
    """The width of a desk, and of a phone."""
    return str(request.param)


@pytest.fixture
def open_page(chromium: Chromium, width: str) -> Iterator[Callable[..., Page]]:
    """Opens the console of a world in the browser, at both widths; scripts=False as one without JavaScript sees it."""
    with ExitStack() as stack:

        def opened(world: World, path: str = "/", *, scripts: bool = True, dark: bool = False) -> Page:
            url = str(stack.enter_context(console(world.runtime)).client.base_url).rstrip("/")
            across, down = WIDTHS[width]
            context = chromium.new_context(
                viewport={"width": across, "height": down},
                base_url=url,
                java_script_enabled=scripts,
                color_scheme="dark" if dark else "light",
            )
            stack.callback(context.close)
            page = context.new_page()
            page.goto(path)
            return page

        yield opened
