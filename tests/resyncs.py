"""Resyncs of a test's world, without a worker: the test itself takes them further."""

from connector.bulk import resync
from connector.model.job import Job
from connector.store import jobs
from connector.store.opening import Store
from tests.world import World

AT_ONCE = 1e9
"""A pace that is no hindrance."""


def find(store: Store) -> Job:
    """The latest job."""
    with store.reading() as connection:
        return jobs.find(connection, limit=1)[0]


def run(world: World) -> Job:
    """Takes the resync to its end, and delivers what it makes due."""
    while find(world.store).state == "running":
        resync.advance(world.at_hand, people_at_once=7)
        world.settle()
    return find(world.store)
