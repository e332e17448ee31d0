"""Fixtures over private servers, for the conftest of whoever needs them (it imports them from here)."""

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from connector.simulator import running
from connector.store.opening import Store
from connector.store.tables import metadata
from tests.servers import Postgres, RabbitMQ
from tests.simulated import Simulated

_MIGRATED = "migrated"
_QUEUES = (
    "segment-changes",
    "segment-changes-backfill",
    "changes",
    "changes-backfill",
    "delivery",
    "upkeep",
    "dead-letters",
)
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for the whole session. Who kills it starts it again."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """A RabbitMQ for the whole session. Who kills it starts it again."""
    with RabbitMQ() as server:
        yield server


@pytest.fixture
def broker_url(rabbitmq: RabbitMQ) -> str:
    """The URL of a RabbitMQ whose queues are not there yet."""
    rabbitmq.delete_queues(*_QUEUES)
    return rabbitmq.url


@pytest.fixture
def empty_database(postgres: Postgres) -> Iterator[str]:
    """The URL of a PostgreSQL database without tables."""
    name = f"empty_{next(_numbers)}"
    postgres.run(f"CREATE DATABASE {name}")
    yield postgres.database(name)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def _migrated_database(postgres: Postgres) -> Postgres:
    postgres.run(f"CREATE DATABASE {_MIGRATED}")
    _migrate(postgres.database(_MIGRATED))
    return postgres


@pytest.fixture
def database(_migrated_database: Postgres) -> str:
    """The URL of a PostgreSQL database with the tables of this version, empty."""
    server = _migrated_database
    # Emptying one database is ten times faster than making another. Nobody may be left in it, or this would wait.
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    names = ", ".join(f'"{name}"' for name in metadata.tables)
    server.run(f"{others} AND pid <> pg_backend_pid()", f"TRUNCATE {names}", database=_MIGRATED)
    return server.database(_MIGRATED)


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "migrated.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def file_url(_migrated_file: Path, tmp_path: Path) -> str:
    """The URL of a SQLite file with the tables of this version, empty."""
    return f"sqlite:///{shutil.copy(_migrated_file, tmp_path / 'connector.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated, empty store: each test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue("file_url" if request.param == "sqlite" else "database")
    return url


@pytest.fixture
def open_store() -> Iterator[Callable[[str], Store]]:
    """Opens stores by URL, and closes them when the test is over."""
    opened: list[Store] = []

    def open_(url: str) -> Store:
        opened.append(Store(url))
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def store(store_url: str, open_store: Callable[[str], Store]) -> Store:
    """An open store, empty and of this version."""
    return open_store(store_url)


@pytest.fixture(scope="session")
def _simulated() -> Iterator[Simulated]:
    with running() as url:
        simulated = Simulated(url)
        yield simulated
        simulated.close()


@pytest.fixture
def simulator(_simulated: Simulated) -> Simulated:
    """A simulated Customer.io, empty and in good order."""
    _simulated.reset()
    return _simulated


def _migrate(url: str) -> None:
    store = Store(url)
    store.migrate()
    store.close()
