"""How much of a job may be done now."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model.job import BURST_SECONDS, Job

NOW = 4_000_000_000.0
JOB = Job("a1", "main", "resync", total=1000, per_second=128, created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize(
    ("seconds", "people"),
    [(0, 0), (0.005, 0), (0.5, 64), (1, 128), (BURST_SECONDS, 640), (3600, 641), (-3600, 0)],
    ids=["at once", "half a person", "half a second", "a second", "the burst", "after an hour", "clock put back"],
)
def test_the_pace_is_saved_up_for_a_few_seconds_at_the_most(seconds: float, people: int) -> None:
    assert JOB.allowed(NOW + seconds) == people


def test_what_is_done_is_used_up_and_the_rest_is_still_allowed() -> None:
    after = JOB.advanced(NOW + 1, "u32", 32, {})

    assert (after.allowed(NOW + 1), after.allowed(NOW + 2)) == (96, 224)
    assert (after.position, after.done, after.state) == ("u32", 32, "running")


def test_what_is_too_old_to_be_saved_up_is_not_saved_up_by_doing_a_little() -> None:
    after = JOB.advanced(NOW + 3600, "u32", 32, {})

    assert after.allowed(NOW + 3600) == BURST_SECONDS * 128 + 1 - 32


def test_counts_are_added_up() -> None:
    once = JOB.advanced(NOW, "u1", 1, {"left alone": 1})

    assert once.advanced(NOW, "u3", 2, {"left alone": 2, "gone": 0}).counts == {"left alone": 3}


def test_waiting_for_something_else_saves_nothing_up() -> None:
    assert JOB.waited(NOW + 60).allowed(NOW + 60) == 0


def test_a_job_at_its_end_keeps_what_it_counted() -> None:
    ended = JOB.advanced(NOW + 1, "u9", 9, {"left alone": 1}).ended(NOW + 2)

    assert (ended.state, ended.done, ended.counts, ended.updated_at) == ("done", 9, {"left alone": 1}, NOW + 2)


paces = st.floats(0.1, 1e6)
waits = st.lists(st.floats(0, 30), max_size=50)


@given(paces, waits)
def test_nobody_goes_faster_than_the_pace_and_one_burst(per_second: float, between: list[float]) -> None:
    job, now = replace(JOB, per_second=per_second), NOW
    for seconds in between:
        now += seconds
        job = job.advanced(now, "", job.allowed(now), {})

    # A time around 4e9 is exact to half a microsecond.
    assert job.done <= (now - NOW) * per_second + 1 + len(between) * per_second * 1e-6


@given(paces, st.lists(st.floats(0.001, BURST_SECONDS / 2), min_size=1, max_size=50))
def test_who_looks_often_enough_keeps_to_the_pace_exactly(per_second: float, between: list[float]) -> None:
    job, now = replace(JOB, per_second=per_second), NOW
    for seconds in between:
        now += seconds
        job = job.advanced(now, "", job.allowed(now), {})

    assert job.done >= (now - NOW) * per_second - 1 - len(between) * per_second * 1e-6
