"""Jobs as rows, on SQLite and on PostgreSQL."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.bulk import jobs
from connector.errors import ConnectorError
from connector.model.job import Job
from connector.store import jobs as stored
from connector.store.engine import Store

NOW = 4_000_000_000.0


def job(number: int = 1, **given: object) -> Job:
    made = Job(f"a{number}", "main", "resync", total=9, per_second=50, created_at=NOW + number, updated_at=NOW + number)
    return replace(made, **given)  # type: ignore[arg-type]  # what a test is about


def add(store: Store, *given: Job) -> None:
    with store.writing() as tx:
        for each in given:
            stored.add(tx, each)


def ids(found: list[Job]) -> list[str]:
    return [each.id for each in found]


def test_a_job_comes_back_as_it_was_written(store: Store) -> None:
    first = job(position="u'\u20ac", done=3, counts={"left alone": 2})
    add(store, first)
    with store.writing() as tx:
        assert stored.find(tx) == [first]
        further = first.advanced(NOW + 9, "v", 2, {"left alone": 1})
        stored.save(tx, further)
        assert stored.find(tx) == [further]


def test_jobs_are_found_by_what_they_are_the_latest_first(store: Store) -> None:
    add(store, job(1), job(2, sync="other", state="done"), job(3, kind="audit"), job(4, state="paused", id="b_4"))
    with store.reading() as tx:
        assert ids(stored.find(tx)) == ["b_4", "a3", "a2", "a1"]
        assert ids(stored.find(tx, limit=1)) == ["b_4"]
        assert ids(stored.find(tx, id="a")) == ["a3", "a2", "a1"]
        assert ids(stored.find(tx, id="%")) == []
        assert ids(stored.find(tx, sync="main", kind="resync")) == ["b_4", "a1"]
        assert ids(stored.find(tx, states=("done", "paused"))) == ["b_4", "a2"]


def test_only_a_running_job_is_taken(store: Store) -> None:
    add(store, job(1), job(2, state="paused"))
    with store.writing() as tx:
        assert stored.take(tx, "a1") == job(1)
        assert stored.take(tx, "a2") is None
        assert stored.take(tx, "nope") is None


def test_a_job_that_somebody_has_is_passed_over(database: str, open_store: Callable[[str], Store]) -> None:
    one, other = open_store(database), open_store(database)
    add(one, job())
    with one.writing() as first:
        assert stored.take(first, "a1") is not None
        with other.writing() as second:
            assert stored.take(second, "a1") is None
    with other.writing() as second:
        assert stored.take(second, "a1") is not None


@pytest.mark.parametrize(
    ("turn", "from_", "to"),
    [
        (jobs.pause, ["running"], "paused"),
        (jobs.resume, ["paused"], "running"),
        (jobs.cancel, ["running", "paused"], "cancelled"),
    ],
)
def test_a_job_is_turned_from_some_states_only(
    store: Store, turn: Callable[[Store, str], Job], from_: list[str], to: str
) -> None:
    for number, state in enumerate(("running", "paused", "done", "cancelled")):
        add(store, job(number, state=state))
        if state in from_:
            turned = turn(store, f"a{number}")
            assert (turned.state, jobs.find(store, turned.id), turned.updated_at < NOW) == (to, turned, True)
        else:
            with pytest.raises(ConnectorError, match=f"the job a{number} is {state}"):
                turn(store, f"a{number}")


def test_an_id_must_be_somebodys_and_only_theirs(store: Store) -> None:
    add(store, job(1), job(2))
    with pytest.raises(ConnectorError, match="more than one job has an id that begins with 'a'"):
        jobs.find(store, "a")
    with pytest.raises(ConnectorError, match="no job has an id that begins with 'x'"):
        jobs.find(store, "x")
