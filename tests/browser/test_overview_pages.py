"""The pages of a sync and of the funnel in a browser: they fit, everybody can use them, and one leads to the next."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from connector.store import tallies
from tests.world import World, message

# What pages do on either store is held by tests/integration/console; here it is how they look and are used.
pytestmark = pytest.mark.in_turn

OpenPage = Callable[..., Page]
STEP = "/funnel?step=not+in+the+audience&reason=not+in+a+whitelisted+segment"


@pytest.fixture
def lived(world: World) -> World:
    world.run(message("u1", 1), message("u1", 1), message("u2", 1, segments=["News"]))
    way = {f"delivered: {each}": 40 for each in ("entered", "changed", "left")}
    with world.store.writing() as tx:
        now = world.store.now(tx)
        for hour in range(1, 20):
            took = {"<= 0.1 s": 100 + hour % 5 * 40, "<= 0.5 s": hour, "<= 15 s": hour % 4}
            counted = {tallies.way("main"): {**way, **took}, tallies.funnel("main"): {"received": 120, "repeated": 120}}
            tallies.tally(tx, counted, now - hour * 3600)
    return world


@pytest.mark.parametrize("path", ["/syncs/main", "/funnel", STEP])
def test_each_is_within_its_width_and_clean_for_who_cannot_see_it(lived: World, open_page: OpenPage, path: str) -> None:
    for dark in (False, True):
        page = open_page(lived, path, dark=dark)
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_one_comes_from_a_step_to_the_person_without_scripts(lived: World, open_page: OpenPage) -> None:
    page = open_page(lived, "/syncs/main", scripts=False)
    page.get_by_role("link", name="Its funnel").click()
    page.get_by_role("link", name="not in the audience").click()
    page.get_by_role("link", name="not in a whitelisted segment").click()
    assert page.get_by_role("link", name="u2", exact=True).get_attribute("href") == "/people?q=u2&sync=main"


def test_a_setting_is_found_by_a_part_of_its_key_without_scripts(lived: World, open_page: OpenPage) -> None:
    page = open_page(lived, "/syncs/main", scripts=False)
    page.get_by_role("link", name="Its settings in effect").click()
    assert page.get_by_role("row", name="syncs.main.on_exit").inner_text().split()[:2] == [
        "syncs.main.on_exit",
        "delete",
    ]
    assert page.get_by_text("connections.main").count() == 0
