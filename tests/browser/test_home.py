"""The first page in a browser: what is wrong leads to where it is mended."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from connector.model.alert import AlertState
from connector.store import alerts, heartbeats, tallies
from tests.world import World, message

# What pages do on either store is held by tests/integration/console; here it is how they look and are used.
pytestmark = pytest.mark.in_turn

OpenPage = Callable[..., Page]


@pytest.fixture
def troubled(world: World) -> World:
    """A world in which somebody waits, something was refused, an alert is open, and beat is gone."""
    world.run(message("u1", 1), message("u2", 1))
    world.take(message("u3", 1))
    opened = AlertState(
        "backlog: main", "backlog", "main", "page", "The oldest change of main waits for 3 h", 1, 1.0, told_at=1.0
    )
    with world.store.writing() as tx:
        now = world.store.now(tx)
        alerts.keep(tx, [opened])
        heartbeats.beat(tx, "worker", "worker a-host-with-a-long-name-17.example.internal 4711", now)
        heartbeats.beat(tx, "beat", "beat here 2", now - 90)
        for minute in range(60):
            way = {"delivered": minute % 7 * 100, "refused": int(10 < minute < 41)}
            tallies.tally(tx, {tallies.way("main"): way}, now - minute * 60)
    return world


def test_a_troubled_home_is_clean_for_who_cannot_see_it_and_fits(troubled: World, open_page: OpenPage) -> None:
    for dark in (False, True):
        page = open_page(troubled, dark=dark)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_an_alert_leads_to_the_alerts_and_a_count_to_its_problems(troubled: World, open_page: OpenPage) -> None:
    page = open_page(troubled, scripts=False)
    assert page.get_by_role("link", name="The oldest change of main waits for 3 h").get_attribute("href") == "/alerts"
    assert page.get_by_role("link", name="30", exact=True).get_attribute("href") == "/problems?sync=main"
    assert page.locator("svg.spark").get_attribute("aria-label")


def test_a_page_that_cannot_be_taken_anew_says_of_when_it_is(world: World, open_page: OpenPage) -> None:
    page = open_page(world, "/calls")
    notice = page.locator("#stale")
    assert not notice.is_visible()
    page.route("**/*", lambda route: route.abort())
    notice.wait_for(timeout=15_000)
    assert "This page is as of 20" in notice.inner_text()
    assert Axe().run(page).violations_count == 0
    page.unroute("**/*")
    notice.wait_for(state="hidden", timeout=15_000)


def test_a_page_whose_refreshing_is_paused_says_of_when_it_is(world: World, open_page: OpenPage) -> None:
    page = open_page(world, "/calls")
    page.get_by_role("button", name="Pause refreshing").click()
    page.evaluate("Date.now = (before => () => before() + 30000)(Date.now.bind(Date))")
    page.locator("#stale").wait_for(timeout=15_000)
    assert "refreshing is paused" in page.locator("#stale").inner_text()


def test_without_scripts_no_page_promises_what_only_they_do(world: World, open_page: OpenPage) -> None:
    text = open_page(world, "/calls", scripts=False).locator("main").inner_text()
    assert ("The latest first." in text, "anew" in text) == (True, False)
