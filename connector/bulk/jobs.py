"""Jobs under way: found by how their ids begin, paused, resumed, cancelled."""

from connector.store.by_prefix import the_only
from connector.errors import ConnectorError
from connector.model.job import UNDER_WAY, Job, State
from connector.store import jobs
from connector.store.opening import Store


def find(store: Store, id: str) -> Job:
    """The job whose id begins with `id`. Raises ConnectorError where there is none, or more than one."""
    with store.reading() as connection:
        found = jobs.find(connection, id=id, limit=2)
    return the_only(found, "job", id)


def pause(store: Store, id: str) -> Job:
    """Stops a running job where it is; what it has made due is delivered all the same. Raises ConnectorError."""
    return _turn(store, id, ("running",), "paused", "paused")


def resume(store: Store, id: str) -> Job:
    """Lets a paused job go on from where it is. Raises ConnectorError."""
    return _turn(store, id, ("paused",), "running", "resumed")


def cancel(store: Store, id: str) -> Job:
    """Ends a job before its end; what it has made due is delivered all the same. Raises ConnectorError."""
    return _turn(store, id, UNDER_WAY, "cancelled", "cancelled")


def _turn(store: Store, id: str, states: tuple[State, ...], state: State, word: str) -> Job:
    job = find(store, id)
    with store.writing() as connection:
        turned = jobs.turn(connection, job.id, states, state, store.now(connection))
    job = find(store, job.id)
    if not turned:
        raise ConnectorError(f"the job {job.id} is {job.state}: only one that is {' or '.join(states)} can be {word}")
    return job
