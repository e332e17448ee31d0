"""What the tests of the fleet stand on: servers that all share, two workers and a beat for each module."""

from collections.abc import Iterator
from itertools import count

import pytest

pytest.register_assert_rewrite("tests.fleet")

from tests.fixtures import (  # noqa: E402 - after the assertions of the fleet are told to explain themselves
    _migrated_database,
    _migrated_file,
    _simulated,
    database,
    file_url,
    open_store,
    postgres,
    simulator,
    store,
    store_url,
)
from tests.fleet import Fleet, Servers  # noqa: E402

__all__ = [
    "_migrated_database",
    "_migrated_file",
    "_simulated",
    "database",
    "file_url",
    "open_store",
    "postgres",
    "simulator",
    "store",
    "store_url",
]

_numbers = count(1)
_WORKERS = 2


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """RabbitMQ, PostgreSQL and a simulated Customer.io, which each test finds running."""
    with Servers(tmp_path_factory.mktemp("fleet")).running() as servers:
        yield servers


@pytest.fixture(scope="session")
def _fleet(servers: Servers) -> Iterator[Fleet]:
    fleet = Fleet(servers)
    yield fleet
    fleet.close()


@pytest.fixture(scope="module")
def _fleet_of_module(_fleet: Fleet) -> Iterator[Fleet]:
    yield _fleet
    _fleet.dismiss()


@pytest.fixture
def fleet(_fleet_of_module: Fleet) -> Fleet:
    """A fleet at rest: two workers, one beat, an empty Customer.io."""
    _fleet_of_module.make_ready(_WORKERS)
    return _fleet_of_module


@pytest.fixture
def prefix() -> str:
    """How the users of this test begin: others' users are still in the store."""
    return f"t{next(_numbers)}"
