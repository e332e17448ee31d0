"""Two people do the same at once: the second one is told that nothing was left to do, and it is done once."""

from collections.abc import Callable

import pytest

from connector.admin import held, problems
from connector.admin.person import resend
from connector.alerts import overview
from connector.bulk import jobs, problem_job
from connector.console.page import Desk, Visit
from connector.console.pages import problems as page
from connector.console.visitor import Visitor
from connector.errors import NothingLeftError
from connector.model.alert import AlertState
from connector.model.problem import Problem
from connector.model.problem_filter import ProblemFilter
from connector.store import alerts
from connector.store import problems as stored
from tests.console import Browser
from tests.sources import source
from tests.world import World, message

OpenConsole = Callable[..., Browser]
MakeWorld = Callable[..., World]
NOTHING = "nothing was left to do"


def add(world: World, *found: Problem) -> list[str]:
    with world.store.writing() as tx:
        return stored.add(tx, "main", found, world.store.now(tx))


@pytest.mark.parametrize("act", ["replay", "discard"])
def test_of_two_who_looked_at_a_problem_at_once_one_solves_it(world: World, act: str) -> None:
    world.run(message("u1", 1))
    (id,) = add(world, Problem("refused", "u1", "no"))
    first, second = (problems.find(world.runtime, id) for _ in range(2))
    remedy = problems.remedies(world.runtime)[act]
    remedy(first)
    due = world.due()
    with pytest.raises(NothingLeftError, match=NOTHING):
        remedy(second)
    assert world.due() == due


def test_a_message_to_a_target_goes_on_once(make_world: MakeWorld) -> None:
    world = make_world(out={"crm": {"url": "http://127.0.0.1:9/hook"}})
    add(
        world,
        Problem(
            "out refused",
            "crm",
            "no",
            {"target": "crm", "person": "u1", "message_id": "m1", "topic": "t", "body": "{}"},
        ),
    )
    with world.store.reading() as tx:
        first, second = stored.kept(tx) * 2
    problems.replay(world.runtime, first)
    waits = world.store.reading
    with pytest.raises(NothingLeftError, match=NOTHING):
        problems.replay(world.runtime, second)
    with waits() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM outgoing").scalar() == 1


@pytest.mark.parametrize("act", ["replay", "discard"])
def test_the_page_says_so_to_who_comes_second(world: World, open_console: OpenConsole, act: str) -> None:
    world.run(message("u1", 1))
    (id,) = add(world, Problem("refused", "u1", "no"))
    browser = open_console(world)
    browser.post(f"/problems/{id}/{act}", page="/try")
    assert NOTHING in browser.post(f"/problems/{id}/{act}", page="/try", status=409)


def test_a_job_over_problems_that_are_gone_is_not_begun(world: World) -> None:
    add(world, Problem("refused", "u1", "no"))
    desk, visitor = Desk(world.runtime, world.runtime), Visitor("ada", "operator", "password")
    which = Visit(visitor, form={"kind": ("refused",)})
    assert "1 problem." in page.discard_all(desk, which).message
    (job,) = jobs.latest(world.store, None, 2)
    problem_job.take_further(world.runtime, job.id, problems.remedies)
    with pytest.raises(NothingLeftError, match=NOTHING):
        page.discard_all(desk, which)


def test_a_job_counts_what_somebody_else_has_solved_as_gone(world: World) -> None:
    ids = add(world, Problem("refused", "u1", "no"), Problem("refused", "u2", "no"))
    job = problem_job.start(world.runtime, "discard", ProblemFilter(), 1000.0, "ada")
    real = problems.remedies(world.runtime)["discard"]

    def late(kept: stored.Kept) -> None:
        with world.store.writing() as tx:
            stored.remove(tx, ids[0])
        real(kept)

    problem_job.take_further(world.runtime, job.id, lambda *_: {"discard": late, "replay": late})
    ended = jobs.find(world.store, job.id)
    assert (ended.counts[problem_job.GONE], problem_job.not_done(ended)) == (1, 0)


@pytest.mark.parametrize("delete_them", [True, False])
def test_held_deletions_are_let_go_or_dropped_once(make_world: MakeWorld, *, delete_them: bool) -> None:
    world = make_world(sync={"deletion_guard": {"share": 0.01, "at_least": 0}})
    world.run(message("u1", 1), message("u2", 1), message("u1", 2, segments=[]))
    assert held.settle(world.runtime, "main", None, delete_them=delete_them) == 1
    with pytest.raises(NothingLeftError, match=NOTHING):
        held.settle(world.runtime, "main", None, delete_them=delete_them)


def test_an_alert_is_taken_on_once(world: World) -> None:
    state = AlertState("backlog: main", "backlog", "main", "page", "It waits", 1, 1000.0)
    with world.store.writing() as tx:
        alerts.keep(tx, [state])
    assert overview.acknowledge(world.store, [state.key], "ada") == [state.key]
    with pytest.raises(NothingLeftError, match=NOTHING):
        overview.acknowledge(world.store, [state.key], "bob")


def test_who_is_to_be_sent_whole_already_is_said_to_be(world: World) -> None:
    world.run(message("u1", 1))
    assert resend.again(world.runtime, "u1", "main")
    assert not resend.again(world.runtime, "u1", "main")
    world.settle()
    assert resend.again(world.runtime, "u1", "main")


def test_a_run_of_a_source_is_asked_for_once(make_world: MakeWorld, open_console: OpenConsole) -> None:
    browser = open_console(make_world(sync={"identifier": "id"}, sources={"users": source("sqlite://")}))
    said = [browser.post("/sources/users/run", page="/jobs") for _ in range(2)]
    assert ["Nothing was left to ask for" in each for each in said] == [False, True]
