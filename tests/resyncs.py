"""Resyncs of a test's world, without a worker: the test itself takes them further."""

from connector.bulk.resync import advance
from connector.model.job import Job
from connector.store import jobs
from connector.store.engine import Store
from tests.world import World

AT_ONCE = 1e9
"""A pace that is no hindrance."""


def find(store: Store) -> Job:
    """The latest job."""
    with store.reading() as tx:
        return jobs.find(tx, limit=1)[0]


def run(world: World) -> Job:
    """Takes the resync to its end, and delivers what it makes due."""
    while find(world.store).state == "running":
        advance(world.runtime, people_at_once=7)
        world.settle()
    return find(world.store)
