"""A worker that stands still for longer than its lease, at the worst moment: when another has taken over its people.

What it sends when it wakes up is old, and Customer.io takes it. Nobody can prevent that from here; so it must be put
right.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from connector.customerio.operations.operation import Endpoint
from connector.customerio.responses import Reply
from connector.customerio.track import Track
from connector.settings.connection import Connection
from connector.store.engine import Store
from tests.simulated import Simulated
from tests.world import World, event, message

LEASE_SECONDS = 0.6
DELIVERY = {"timeout_seconds": 5.0, "lease_seconds": LEASE_SECONDS}
OLD, NEW = message("u1", 2, event("Signed up", "e2"), plan="old", city="Oslo"), message("u1", 3, plan="new")


class StandingStill(Track):
    """A line whose first request waits just before it goes out: until its lease is over and others have done it all."""

    def __init__(self, connection: Connection, others: World, meanwhile: dict[str, object] | None) -> None:
        super().__init__(connection, timeout=5.0)
        self._others = others
        self._meanwhile = meanwhile
        self._woken = False

    def send(self, endpoint: Endpoint, body: bytes, seconds: float | None = None) -> Reply:
        if not self._woken:
            self._woken = True
            time.sleep(2 * LEASE_SECONDS)
            if self._meanwhile is not None:
                self._others.take(self._meanwhile)
            self._others.settle()
        return super().send(endpoint, body, seconds)


@pytest.fixture
def others(store: Store, simulator: Simulated) -> Iterator[World]:
    """The other workers: quick ones."""
    world = World(store, simulator, delivery=DELIVERY)
    yield world
    world.close()


def stand_still(others: World, meanwhile: dict[str, object] | None) -> None:
    """One worker's cycle with the long wait in its middle; then the others do what is left."""
    still = World(others.store, others.simulated, delivery=DELIVERY)
    with StandingStill(still.settings.connections["main"], others, meanwhile) as line:
        still.runtime._tracks["main"] = line
        replace(still.runtime.courier("main"), keeper=None).cycle()  # its threads stand still too
    others.settle()


def test_an_old_state_sent_late_is_put_right(others: World) -> None:
    others.run(message("u1", 1, plan="first"))
    others.take(OLD)
    stand_still(others, meanwhile=NEW)
    assert others.simulated.people() == {"u1": {"plan": "new"}}
    assert others.simulated.event_names("u1") == ["Signed up"]


def test_a_person_created_late_is_put_right(others: World) -> None:
    others.take(OLD)
    stand_still(others, meanwhile=NEW)
    assert others.simulated.people() == {"u1": {"plan": "new"}}
    assert others.simulated.event_names("u1") == ["Signed up"]


def test_a_person_sent_late_who_has_left_meanwhile_is_deleted_again(others: World) -> None:
    others.run(message("u1", 1, plan="first"))
    others.take(OLD)
    stand_still(others, meanwhile=message("u1", 3, segments=[]))
    assert others.simulated.people() == {}


def test_a_deletion_sent_late_does_not_take_away_who_came_back(others: World) -> None:
    others.run(message("u1", 1, plan="first"))
    others.take(message("u1", 2, segments=[]))
    stand_still(others, meanwhile=NEW)
    assert others.simulated.people() == {"u1": {"plan": "new"}}


def test_the_same_sent_twice_does_no_harm(others: World) -> None:
    others.run(message("u1", 1, plan="first"))
    others.take(OLD)
    stand_still(others, meanwhile=None)
    assert others.simulated.people() == {"u1": {"plan": "old", "city": "Oslo"}}
    assert others.simulated.event_names("u1") == ["Signed up"]
