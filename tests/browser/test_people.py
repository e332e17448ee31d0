"""A person in a browser, at both widths: found, understood, sent again, suppressed, forgotten."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.simulated import Simulated
from tests.world import World, event, message

# What pages do on either store is held by tests/integration/console; here it is how they look and are used.
pytestmark = pytest.mark.in_turn

OpenPage = Callable[..., Page]


@pytest.fixture
def lived(make_world: Callable[..., World], simulator: Simulated) -> World:
    """Ann is in Customer.io, and something of hers is on its way."""
    simulator.reset(app_rate_limit=0)
    world = make_world(sync={"attributes": ["plan", "email"]}, connection={"app_api_key": "app-api-key"})
    world.run(message("ann", 1, event("Signed up", "a"), plan="x" * 400, email="ann@example.com", external_id="1001"))
    world.take(message("ann", 2, event("Signed up", "b"), plan="gold", email="ann@example.com", external_id="1001"))
    return world


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_person_is_sent_again_by_two_clicks(
    lived: World, open_page: OpenPage, simulator: Simulated, scripts: bool
) -> None:
    lived.settle()
    page = open_page(lived, "/", scripts=scripts)
    page.locator("#search").fill("ANN@example.com")
    page.locator("#search").press("Enter")
    expect(page.locator("main .sentence").first).to_contain_text("They are in Customer.io as they should be")
    page.get_by_role("button", name="Send again").click()
    page.get_by_role("button", name="Send them again").click()
    expect(page.locator(".note")).to_contain_text("all of them is sent again")
    assert lived.due() == 1


def test_a_person_is_suppressed_and_freed(lived: World, open_page: OpenPage, simulator: Simulated) -> None:
    page = open_page(lived, "/people/ann")
    page.get_by_role("button", name="Suppress …").click()
    page.get_by_role("button", name="Suppress them").click()
    expect(page.locator(".note")).to_contain_text("suppressed")
    assert simulator.people() == {}
    page.get_by_role("button", name="Free them").click()
    expect(page.locator(".note")).to_contain_text("free again")


def test_a_person_is_forgotten(lived: World, open_page: OpenPage, simulator: Simulated) -> None:
    page = open_page(lived, "/people/ann")
    page.get_by_role("button", name="Forget …").click()
    page.get_by_role("button", name="Forget them for good").click()
    expect(page.locator("h1")).to_have_text("Forgotten")
    assert simulator.people() == {}
    page.goto("/people?q=ann")
    expect(page.locator("main .sentence")).to_contain_text("Nobody has this")


@pytest.mark.parametrize("path", ["/people/ann", "/people?q=nobody", "/person/forget?key=ann"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_pages_of_a_person_are_within_their_width_and_clean(
    lived: World, open_page: OpenPage, path: str, dark: bool
) -> None:
    page = open_page(lived, path, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_customerio_is_asked_in_the_browser(lived: World, open_page: OpenPage) -> None:
    page = open_page(lived, "/people/ann")
    page.get_by_role("button", name="Ask Customer.io now").click()
    expect(page.locator("main")).to_contain_text("Customer.io says")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_script_in_a_persons_data_is_not_run(lived: World, open_page: OpenPage) -> None:
    lived.run(
        message("<script>window.broken=1</script>", 1, plan="<img src=x onerror='window.broken=1'>", external_id="7")
    )
    page = open_page(lived, "/people?q=7")
    expect(page.locator("h1")).to_have_text("<script>window.broken=1</script>")
    assert page.evaluate("window.broken") is None
