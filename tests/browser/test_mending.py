"""Repairs of the console in a browser: problems, held deletions, jobs; at both widths, some without scripts."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from connector.admin import approvals
from connector.admin.problems import remedies
from connector.bulk import jobs, problem_job
from connector.model.alert import AlertState
from connector.model.problem import Problem
from connector.store import alerts, deletion_guard, problems
from tests.world import World, message

# What pages do on either store is held by tests/integration/console; here it is how they look and are used.
pytestmark = pytest.mark.in_turn

OpenPage = Callable[..., Page]
MakeWorld = Callable[..., World]
GUARD = {"share": 0.2, "at_least": 1}


def add(world: World, *found: Problem) -> None:
    with world.store.writing() as tx:
        problems.add(tx, "main", found, world.store.now(tx))


def within(page: Page) -> bool:
    page.wait_for_load_state()  # of the page that the last click led to
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def clean(page: Page) -> None:
    assert within(page)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.fixture
def refused(world: World) -> World:
    """Three people whom Customer.io refused, and two who claim one identifier."""
    world.run(*(message(f"u{number}", 1, email=f"u{number}@example.com") for number in range(3)))
    add(
        world,
        *(Problem("refused", f"u{number}", "identify refused: 400 invalid value", {"a": 1}) for number in range(3)),
    )
    add(world, Problem("conflict", "u9", "id:7 is the identifier of the user 'u8' too: this one is not sent"))
    return world


@pytest.fixture
def held(make_world: MakeWorld) -> World:
    """Ten people, of whom five have left and are held."""
    world = make_world(sync={"deletion_guard": GUARD})
    world.take(*(message(f"u{number}", 1, email=f"u{number}@example.com") for number in range(10)))
    world.settle()
    world.take(*(message(f"u{number}", 2, segments=[]) for number in range(5)))
    world.settle()
    return world


def left(world: World) -> int:
    with world.store.reading() as tx:
        return deletion_guard.held(tx, "main")


def test_one_problem_is_found_by_its_cause_and_replayed(refused: World, open_page: OpenPage) -> None:
    page = open_page(refused, "/problems")
    clean(page)
    page.get_by_role("link", name="Customer.io refused an item for good").click()
    clean(page)
    page.locator("tbody a").first.click()
    clean(page)
    page.get_by_role("button", name="Replay").click()
    assert "is due again" in page.locator(".note").inner_text()
    assert len([kind for kind, _, _ in refused.problems() if kind == "refused"]) == 2


def test_a_group_is_replayed_by_a_job_whose_progress_is_seen(refused: World, open_page: OpenPage) -> None:
    page = open_page(refused, "/problems")
    page.get_by_role("link", name="Customer.io refused an item for good").click()
    page.get_by_role("link", name="Replay all of these").click()
    clean(page)
    page.get_by_role("button", name="Replay 3").click()
    page.wait_for_url("**/jobs/*")
    assert "running" in page.locator("#job").inner_text()
    clean(page)
    job = jobs.latest(refused.store, None, 1)[0]
    problem_job.take_further(refused.runtime, job.id, remedies)
    page.get_by_text("3 of 3 problems").wait_for()
    assert [kind for kind, _, _ in refused.problems()] == ["conflict"]


def test_a_job_under_way_is_paused_resumed_and_cancelled(refused: World, open_page: OpenPage) -> None:
    page = open_page(refused, "/problems/confirm?act=replay", scripts=False)
    page.get_by_label("How many a second").fill("0.1")
    page.get_by_role("button", name="Replay 3").click()
    job = jobs.latest(refused.store, None, 1)[0]
    for act, state in (("Pause", "paused"), ("Resume", "running"), ("Cancel", "cancelled")):
        page.get_by_role("button", name=act, exact=True).click()
        assert state in page.locator("#job .tag").inner_text()
        assert jobs.find(refused.store, job.id).state == state
    problem_job.take_further(refused.runtime, job.id, remedies)
    assert len(refused.problems()) == 4
    clean(open_page(refused, "/jobs"))


def test_some_held_deletions_are_let_go_and_the_others_stay(held: World, open_page: OpenPage) -> None:
    page = open_page(held, "/held")
    clean(page)
    page.get_by_role("link", name="main").click()
    clean(page)
    for name in ("u1", "u3"):
        page.get_by_role("checkbox", name=name).check()
    page.get_by_role("button", name="Let the chosen go").click()
    assert page.locator("h1").inner_text() == "Let go 2 deletions of main?"
    clean(page)
    page.get_by_role("button", name="Delete them").click()
    assert "2 deletions of main are let go" in page.locator(".note").inner_text()
    assert left(held) == 3


def test_many_held_deletions_are_ticked_at_once(held: World, open_page: OpenPage) -> None:
    page = open_page(held, "/held/main")
    ticked = page.locator('input[name="who"]:checked')
    every = page.get_by_role("checkbox", name="All on this page")
    every.check()
    assert ticked.count() == 5
    every.uncheck()
    page.get_by_role("checkbox", name="u1").click()
    page.get_by_role("checkbox", name="u3").click(modifiers=["Shift"])
    assert [each.get_attribute("aria-label") for each in ticked.all()] == ["u1", "u2", "u3"]
    clean(page)


def test_all_held_deletions_are_dropped_without_scripts(held: World, open_page: OpenPage) -> None:
    page = open_page(held, "/held/main", scripts=False)
    page.get_by_role("button", name="Drop all").click()
    page.get_by_role("button", name="Drop them").click()
    assert "No deletions of main are held" in page.locator("main").inner_text()
    assert left(held) == 0


def test_held_deletions_go_once_a_second_person_has_confirmed_them(make_world: MakeWorld, open_page: OpenPage) -> None:
    world = make_world(sync={"deletion_guard": GUARD}, console={"two_person_approval": True})
    world.take(*(message(f"u{number}", 1) for number in range(10)))
    world.settle()
    world.take(*(message(f"u{number}", 2, segments=[]) for number in range(5)))
    world.settle()
    request = approvals.ask(world.runtime, "main", None, "ada", 5)
    page = open_page(world, "/held")
    assert "ada" in page.locator("main").inner_text()
    page.goto(f"/approvals/{request.id}")
    clean(page)
    page.get_by_role("button", name="Confirm: delete them").click()
    assert "Confirmed: 5 deletions are let go" in page.locator(".note").inner_text()
    assert left(world) == 0


def test_an_alert_is_acknowledged(world: World, open_page: OpenPage) -> None:
    state = AlertState("backlog: main", "backlog", "main", "page", "The oldest change waits for 20 min", 1, 1000.0)
    with world.store.writing() as tx:
        alerts.keep(tx, [state])
    page = open_page(world, "/alerts")
    clean(page)
    page.get_by_role("button", name="Acknowledge backlog: main").click()
    assert "local has taken on: backlog: main" in page.locator(".note").inner_text()
    assert page.get_by_role("button", name="Acknowledge").count() == 0
