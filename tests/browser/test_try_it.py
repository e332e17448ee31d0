"""Trying out in a browser, at both widths: a message, and settings that would delete somebody."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.build_settings import values, write
from tests.world import World, message

# What pages do on either store is held by tests/integration/console; here it is how they look and are used.
pytestmark = pytest.mark.in_turn

OpenPage = Callable[..., Page]


def clean(page: Page) -> None:
    page.wait_for_load_state()  # of the page that the last click led to
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_message_is_tried(world: World, open_page: OpenPage) -> None:
    page = open_page(world, "/try")
    page.locator("#message").fill(json.dumps(message("new", 1, plan="x" * 300, external_id="9")))
    page.get_by_role("button", name="Show what it would send").click()
    expect(page.locator("main")).to_contain_text("new in main")
    clean(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_settings_are_tried(world: World, open_page: OpenPage, tmp_path: Path, scripts: bool) -> None:
    world.run(message("ann", 1, plan="pro", external_id="1001"))
    write(tmp_path, values(sync={"segments": ["Other"]}))
    page = open_page(world, "/try", scripts=scripts)
    page.locator("#settings").fill((tmp_path / "settings.toml").read_text())
    page.get_by_role("button", name="Show what they would change").click()
    expect(page.locator("main")).to_contain_text("Of 1 person: 1 deleted.")
    if scripts:
        clean(page)


def test_the_message_that_is_there_is_tried_at_once(world: World, open_page: OpenPage) -> None:
    page = open_page(world, "/try")
    page.get_by_role("button", name="Show what it would send").click()
    expect(page.locator("main")).to_contain_text("example-user-1 in main")
    clean(page)


def test_settings_are_taken_from_a_file(world: World, open_page: OpenPage, tmp_path: Path) -> None:
    world.run(message("ann", 1, plan="pro", external_id="1001"))
    write(tmp_path, values(sync={"segments": ["Other"]}))
    page = open_page(world, "/try")
    page.locator("[data-into]").set_input_files(tmp_path / "settings.toml")
    expect(page.locator("#settings")).not_to_have_value("")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download whom they would change").click()
    assert "main,person,ann,deleted" in Path(download.value.path()).read_text()
    page.get_by_role("button", name="Show what they would change").click()
    expect(page.locator("main")).to_contain_text("Of 1 person: 1 deleted.")
    clean(page)


def test_a_mistake_is_said_and_what_was_pasted_stays(world: World, open_page: OpenPage) -> None:
    page = open_page(world, "/try")
    page.locator("#message").fill("{broken")
    page.get_by_role("button", name="Show what it would send").click()
    expect(page.get_by_role("alert")).to_contain_text("not JSON")
    expect(page.locator("#message")).to_have_value("{broken")
    clean(page)
