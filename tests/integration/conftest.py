"""What the integration tests stand on: private servers, stores, a simulated Customer.io."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from connector.store.engine import Store
from tests.fixtures import (
    _migrated_database,
    _migrated_file,
    _simulated,
    broker_url,
    database,
    emptied_store,
    empty_database,
    file_url,
    open_store,
    postgres,
    rabbitmq,
    simulator,
    store,
    store_of_module,
    store_url,
)
from tests.simulated import Simulated
from tests.world import World

__all__ = [
    "_migrated_database",
    "_migrated_file",
    "_simulated",
    "broker_url",
    "database",
    "emptied_store",
    "empty_database",
    "file_url",
    "make_world",
    "open_store",
    "postgres",
    "rabbitmq",
    "simulator",
    "store",
    "store_of_module",
    "store_url",
    "world",
]


@pytest.fixture
def make_world(store: Store, simulator: Simulated) -> Iterator[Callable[..., World]]:
    """Makes worlds on the test's store, with settings of their own."""
    made: list[World] = []

    def make(**settings: Any) -> World:
        made.append(World(store, simulator, **settings))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """The product with the usual settings of the tests."""
    return make_world()
