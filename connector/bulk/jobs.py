"""Jobs under way: found by how their ids begin, paused, resumed, cancelled."""

from collections.abc import Callable

from connector.errors import ConnectorError
from connector.model.job import UNDER_WAY, Job, JobState
from connector.store import jobs
from connector.store.by_prefix import the_only
from connector.store.engine import Store


class JobStoppedError(Exception):
    """A job must not go on: an operator has paused or cancelled it, or the program is about to end."""


def find(store: Store, id: str) -> Job:
    """Returns the job whose id begins with `id`. Raises ConnectorError where there is none, or more than one."""
    with store.reading() as tx:
        found = jobs.find(tx, id=id, limit=2)
    return the_only(found, "job", id)


def running(store: Store, id: str, until: Callable[[], bool]) -> Job:
    """Returns the job as it is now. Raises JobStoppedError if it is not running, or `until` says to stop."""
    with store.reading() as tx:
        found = jobs.find(tx, id=id, states=("running",), limit=1)
    if not found or until():
        raise JobStoppedError
    return found[0]


def latest(store: Store, before: tuple[float, str] | None, limit: int) -> list[Job]:
    """Returns the next jobs, the latest first.

    Args:
        store: The store.
        before: When the last one that was seen began, and its id; None at the beginning.
        limit: How many to return at most.
    """
    with store.reading() as tx:
        return jobs.latest(tx, before, limit)


def pause(store: Store, id: str) -> Job:
    """Stops a running job where it is; what it has made due is delivered all the same. Raises ConnectorError."""
    return _turn(store, id, ("running",), "paused", "paused")


def resume(store: Store, id: str) -> Job:
    """Lets a paused job go on from where it is. Raises ConnectorError."""
    return _turn(store, id, ("paused",), "running", "resumed")


def cancel(store: Store, id: str) -> Job:
    """Ends a job before its end; what it has made due is delivered all the same. Raises ConnectorError."""
    return _turn(store, id, UNDER_WAY, "cancelled", "cancelled")


def _turn(store: Store, id: str, states: tuple[JobState, ...], state: JobState, word: str) -> Job:
    job = find(store, id)
    with store.writing() as tx:
        turned = jobs.turn(tx, job.id, states, state, store.now(tx))
    job = find(store, job.id)
    if not turned:
        raise ConnectorError(f"the job {job.id} is {job.state}: only one that is {' or '.join(states)} can be {word}")
    return job
