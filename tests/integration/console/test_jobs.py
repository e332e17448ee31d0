"""/jobs: how far they are, who started them, paused, resumed and cancelled; and problems replayed by one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from connector.admin.problems import remedies
from connector.bulk import jobs, problem_job, resync
from connector.console.pages import jobs as page
from connector.model.job import Job
from connector.model.problem import Problem
from connector.store import jobs as stored
from connector.store import operator_log, problems
from tests.console import Browser
from tests.world import World, message

OpenConsole = Callable[..., Browser]


def add(world: World, *found: Problem) -> None:
    with world.store.writing() as tx:
        problems.add(tx, "main", found, world.store.now(tx))


def the_job(world: World) -> Job:
    (job,) = jobs.latest(world.store, None, 10)
    return job


def test_where_there_is_none_the_page_says_so(world: World, open_console: OpenConsole) -> None:
    browser = open_console(world)
    assert "No jobs" in browser.text("/jobs")
    assert "the page Jobs lists them" in browser.text("/jobs/abc", 404)


def test_a_job_is_shown_with_who_started_it_and_how_far_it_is(world: World, open_console: OpenConsole) -> None:
    world.run(message("u1", 1), message("u2", 1))
    job = resync.start(world.runtime, "main", 500.0, "ada@desk")
    browser = open_console(world)
    shown = browser.text("/jobs")
    assert "resync main ada@desk running 0 of 2 people" in shown
    assert "Started by ada@desk" in browser.text(f"/jobs/{job.id}")


def test_a_job_that_nobody_takes_further_says_what_it_needs(world: World, open_console: OpenConsole) -> None:
    with world.store.writing() as tx:
        stored.add(tx, Job("abc", "main", "resync", total=2, per_second=1.0, updated_at=world.store.now(tx) - 60))
    assert "it needs a worker" in open_console(world).text("/jobs/abc")


def test_a_job_of_a_sync_that_the_settings_have_no_more_is_still_shown(world: World, open_console: OpenConsole) -> None:
    with world.store.writing() as tx:
        stored.add(tx, Job("abc", "gone", "resync", total=2, per_second=1.0))
    browser = open_console(world)
    assert "there is no sync 'gone'" in browser.text("/jobs")
    assert "there is no sync 'gone'" in browser.text("/jobs/abc")


def test_a_job_is_paused_resumed_and_cancelled(world: World, open_console: OpenConsole) -> None:
    world.run(message("u1", 1))
    job = resync.start(world.runtime, "main", 500.0)
    browser, path = open_console(world), f"/jobs/{job.id}"
    for act, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert state in browser.post(f"{path}/{act}", page=path)
        assert the_job(world).state == state
    with world.store.reading() as tx:
        acts = [(each.act, each.outcome) for each in operator_log.find(tx, 0.0, "jobs", 10)]
    assert acts == [("jobs cancel", "done"), ("jobs resume", "done"), ("jobs pause", "done")]


def test_what_has_ended_cannot_be_paused(world: World, open_console: OpenConsole) -> None:
    running, ended = (
        Job(id, "main", "resync", state, per_second=1.0) for id, state in (("r", "running"), ("e", "done"))
    )
    with world.store.writing() as tx:
        stored.add(tx, running)
        stored.add(tx, ended)
    said = open_console(world).post("/jobs/e/pause", page="/jobs/r", status=409)
    assert "the job e is done: only one that is running can be paused" in said


def test_jobs_are_listed_page_by_page(world: World, open_console: OpenConsole) -> None:
    with world.store.writing() as tx:
        for number in range(page.SHOWN + 1):
            stored.add(tx, Job(f"j{number:03}", "main", "audit", "done", created_at=1000.5 + number // 2))
    browser = open_console(world)
    first = browser.get("/jobs")
    (link,) = [part.split('"')[0] for part in first.split('href="')[1:] if "before=" in part.split('"')[0]]
    assert ("/jobs/j000" in first, "/jobs/j000" in browser.get(f"/jobs{link}")) == (False, True)


def test_changes_need_an_operator() -> None:
    assert {each.role for each in page.ROUTES if each.method == "POST"} == {"operator"}


def test_all_problems_of_a_cause_are_replayed_by_a_job(world: World, open_console: OpenConsole) -> None:
    world.run(*(message(f"u{number}", 1) for number in range(3)))
    add(world, *(Problem("refused", f"u{number}", "400") for number in range(3)), Problem("action", "u9", "no"))
    browser = open_console(world)
    asked = browser.get("/problems/confirm", act="replay", kind="refused")
    assert "Replay 3 problems?" in asked
    hidden = dict(part.split('" value="')[:2] for part in asked.split('type="hidden" name="')[1:])
    form = {name: value.split('"')[0] for name, value in hidden.items() if name != "csrf"}
    said = browser.post("/problems/all/replay", {**form, "per_second": "1000"}, page="/problems/confirm?kind=refused")
    assert "Started: 3 problems" in said
    job = the_job(world)
    assert (job.kind, job.total, job.started_by, job.per_second) == ("replay", 3, "local", 1000.0)
    with world.store.reading() as tx:
        (act,) = operator_log.find(tx, 0.0, "problems replay --all", 10)
    assert act.outcome == f"started as job {job.id}", "that it is done nobody knows yet"
    problem_job.take_further(world.runtime, job.id, remedies)
    assert "done 3" in browser.text(f"/jobs/{job.id}")
    assert [kind for kind, _, _ in world.problems()] == ["action"]
    assert world.due() == 3


def test_the_number_asked_about_is_what_will_be_done_and_it_says_what_is_left_out_and_why(
    world: World, open_console: OpenConsole
) -> None:
    add(world, *(Problem("refused", f"u{number}", "400") for number in range(3)), Problem("held", "main", "too many"))
    add(world, Problem("action", "u8", "no"), Problem("action", "u9", "no"), Problem("source", "crm", "gone"))
    browser = open_console(world)
    asked = browser.text("/problems/confirm", act="replay")
    assert "Replay 3 problems?" in asked
    assert "1 problem of held deletions is left out" in asked
    assert "3 problems are left out, since no replay mends them: 2 action, 1 source." in asked
    discarded = browser.text("/problems/confirm", act="discard")
    assert "Discard 6 problems?" in discarded
    assert "1 problem of held deletions is left out" in discarded
    assert "no replay" not in discarded


def test_where_all_is_left_out_nothing_can_be_started(world: World, open_console: OpenConsole) -> None:
    add(world, Problem("action", "u8", "no"))
    browser = open_console(world)
    asked = browser.get("/problems/confirm", act="replay")
    assert "<h1>Nothing to replay</h1>" in asked
    assert "1 problem is left out, since no replay mends it: 1 action." in asked
    assert 'action="/problems/all/replay"' not in asked


@pytest.mark.parametrize("pace", ["0", "-1", "nan", "1e9", "quick"])
def test_a_pace_that_is_none_starts_nothing(world: World, open_console: OpenConsole, pace: str) -> None:
    add(world, Problem("refused", "u1", "400"))
    browser = open_console(world)
    browser.post("/problems/all/replay", {"per_second": pace}, page="/problems/confirm", status=409)
    assert jobs.latest(world.store, None, 10) == []


def test_sources_are_shown_and_run_when_somebody_asks(
    make_world: Callable[..., World], open_console: OpenConsole, tmp_path: Path
) -> None:
    source = {"url": f"sqlite:///{tmp_path / 'w.db'}", "query": "SELECT 1 AS id", "key": "id"}
    world = make_world(sources={"people": source})
    browser = open_console(world)
    assert "people" in browser.text("/jobs")
    assert "whoever looks next runs people" in browser.post("/sources/people/run", page="/jobs")


def test_a_replay_says_how_many_problems_are_as_before(world: World, open_console: OpenConsole) -> None:
    job = Job("r", "*", "replay", "done", per_second=1.0, counts={"done": 2, "not done: unreadable": 1})
    with world.store.writing() as tx:
        stored.add(tx, job)
    assert "1 problem is as before, since the cause is not mended" in open_console(world).text("/jobs/r")
