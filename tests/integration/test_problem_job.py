"""Many problems at once, as a job, on SQLite and on PostgreSQL: replayed or discarded, those that can be."""

from collections.abc import Mapping
from dataclasses import replace
from typing import get_args

import pytest

from connector.admin.problem_advice import advice
from connector.admin.problems import of_id, remedies, replay
from connector.bulk import jobs, problem_job
from connector.bulk.lease import leased
from connector.bulk.problem_job import ProblemAct, Remedy
from connector.errors import ConnectorError, StoreError
from connector.model.job import Job
from connector.model.problem import REPLAYED, Problem, ProblemKind
from connector.model.problem_filter import ProblemFilter
from connector.runtime import Runtime
from connector.store import problems
from connector.store.problems import Kept
from tests.world import World, message

QUICK = 1e6
EVERY = ProblemFilter()


def add(world: World, *found: Problem, ago: float = 0.0) -> None:
    with world.store.writing() as tx:
        problems.add(tx, "main", found, world.store.now(tx) - ago)


def refused(count: int) -> list[Problem]:
    return [Problem("refused", f"u{number:03}", "400") for number in range(count)]


def left(world: World) -> list[str]:
    return sorted(subject for _, subject, _ in world.problems())


def start(world: World, act: ProblemAct = "discard", which: ProblemFilter = EVERY, pace: float = QUICK) -> Job:
    return problem_job.start(world.runtime, act, which, pace, "ada")


def go_on(world: World, job: Job, does: Remedy | None = None) -> Job:
    def given(runtime: Runtime, format: str) -> Mapping[str, Remedy]:
        return dict.fromkeys(problem_job.ACTS, does) if does else remedies(runtime, format)

    problem_job.take_further(world.runtime, job.id, given)
    return jobs.find(world.store, job.id)


def test_all_that_can_be_replayed_are_and_the_others_stay(world: World) -> None:
    world.run(*(message(f"u{number:03}", 1) for number in range(3)))
    add(world, *refused(3), Problem("action", "u9", "no"))
    add(world, Problem("poison", "u8", "nothing of it is kept"))
    ended = go_on(world, start(world, "replay"))
    assert (ended.state, ended.done, ended.total, ended.started_by) == ("done", 4, 4, "ada")
    assert (dict(ended.counts), problem_job.not_done(ended)) == ({"done": 3, "not done: poison": 1}, 1)
    assert (left(world), world.due()) == (["u8", "u9"], 3)


def test_only_what_is_meant_is_discarded_part_by_part(world: World) -> None:
    add(world, *refused(problem_job.AT_ONCE + 5), Problem("action", "other", "no"))
    add(world, Problem("refused", "old", "400"), ago=7200.0)
    meant = problem_job.which(world.store, "discard", ProblemFilter(kind="refused"), 3600.0)
    assert meant.total == problem_job.AT_ONCE + 5
    assert go_on(world, start(world, "discard", meant.which)).done == meant.total
    assert left(world) == ["old", "other"]


def test_held_deletions_are_let_go_by_hand_alone(world: World) -> None:
    add(world, Problem("held", "main", "too many"))
    for act in problem_job.ACTS:
        assert problem_job.which(world.store, act, EVERY)[1:] == (0, 1, {})
        ended = go_on(world, start(world, act))
        assert (ended.total, ended.done, dict(ended.counts)) == (0, 0, {})
    assert left(world) == ["main"]


def test_what_is_asked_about_is_what_is_tried_and_the_others_are_counted_by_why(world: World) -> None:
    add(world, *refused(2), Problem("held", "main", "too many"), Problem("source", "crm", "gone"))
    add(world, Problem("action", "u8", "no"), Problem("action", "u9", "no"))
    assert problem_job.which(world.store, "replay", EVERY)[1:] == (2, 1, {"action": 2, "source": 1})
    assert problem_job.which(world.store, "discard", EVERY)[1:] == (5, 1, {})
    tried = []
    ended = go_on(world, start(world, "replay"), lambda kept: tried.append(kept.problem.kind))
    assert (tried, ended.total, ended.done) == (["refused", "refused"], 2, 2)


@pytest.mark.parametrize("kind", sorted(set(get_args(ProblemKind)) - {"held"}))
def test_the_kinds_that_are_tried_are_those_that_a_replay_can_mend(world: World, kind: ProblemKind) -> None:
    problem = Problem(kind, "nobody", "no", {"user": {"id": "u1"}}, "native")
    add(world, problem)
    said = ""
    try:
        replay(world.runtime, of_id(world.runtime, problems.identity("main", problem)))
    except ConnectorError as error:
        said = str(error)
    # Of no target the settings name nothing is sent on: it is to be named again, and then replayed.
    mended = not said or (kind == "out refused" and "add it again" in said)
    assert mended == (kind in REPLAYED) == advice(kind).replayed


def test_a_problem_that_comes_again_meanwhile_is_not_tried_twice(world: World) -> None:
    add(world, Problem("action", "u1", "no"), ago=10.0)
    tried = []

    def again(kept: Kept) -> None:
        tried.append(kept.problem.subject)
        add(world, Problem("action", f"{kept.problem.subject}+", "no"), ago=-10.0)

    go_on(world, start(world), again)
    assert tried == ["u1"]


def test_whoever_takes_it_over_after_a_kill_goes_on_behind_what_is_gone(world: World) -> None:
    add(world, *refused(3 * problem_job.AT_ONCE))
    job, tried = start(world), []

    def killed_at_the_end_of_the_second_part(kept: Kept) -> None:
        tried.append(kept.id)
        remedies(world.runtime)["discard"](kept)
        if len(tried) == 2 * problem_job.AT_ONCE:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go_on(world, job, killed_at_the_end_of_the_second_part)
    assert jobs.find(world.store, job.id).done == problem_job.AT_ONCE

    def rest(kept: Kept) -> None:
        tried.append(kept.id)
        remedies(world.runtime)["discard"](kept)

    ended = go_on(world, job, rest)
    assert len(tried) == len(set(tried)) == 3 * problem_job.AT_ONCE
    assert (left(world), ended.state, dict(ended.counts)) == ([], "done", {"done": 40, "gone meanwhile": 20})


def test_a_store_that_fails_leaves_the_job_to_whoever_looks_next(world: World) -> None:
    add(world, *refused(1))
    job = start(world)

    def away(kept: Kept) -> None:
        raise StoreError("away")

    with pytest.raises(StoreError, match="away"):
        go_on(world, job, away)
    assert problem_job.waiting(world.runtime) == [job.id]


def test_a_paused_job_stops_and_goes_on_once_it_is_resumed(world: World) -> None:
    add(world, *refused(3 * problem_job.AT_ONCE))
    job, tried = start(world), []

    def pausing(kept: Kept) -> None:
        tried.append(kept.id)
        if len(tried) == 1:
            jobs.pause(world.store, job.id)

    assert (go_on(world, job, pausing).state, len(tried)) == ("paused", problem_job.AT_ONCE)
    jobs.resume(world.store, job.id)
    assert (go_on(world, job).state, left(world)) == ("done", [])


def test_a_cancelled_job_does_nothing_any_more(world: World) -> None:
    add(world, *refused(2))
    job = start(world)
    jobs.cancel(world.store, job.id)
    assert (go_on(world, job).state, len(left(world))) == ("cancelled", 2)


def test_one_is_under_way_at_a_time(world: World) -> None:
    job = start(world)
    with pytest.raises(ConnectorError, match=f"the discard {job.id} is running, one at a time"):
        start(world, "replay")


def test_nobody_takes_further_what_another_has(world: World) -> None:
    add(world, *refused(1))
    job = start(world)
    with leased(world.store, problem_job.lease_name(job.id)):
        assert problem_job.waiting(world.runtime) == []
        assert (go_on(world, job).state, left(world)) == ("running", ["u000"])


def test_a_pace_is_kept(world: World) -> None:
    job = Job("1", "*", "replay", per_second=2.0, updated_at=100.0)
    assert [job.allowed(now) for now in (100.0, 100.4, 100.5, 101.0, 200.0)] == [0, 0, 1, 2, 11]
    assert replace(job, per_second=0.5).allowed(101.0) == 0
