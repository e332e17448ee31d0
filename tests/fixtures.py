"""Fixtures over private servers, for the conftest of whoever needs them (it imports them from here)."""

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from amqp.exceptions import AMQPError
from kombu.exceptions import KombuError
from sqlalchemy import delete

from connector.simulator import running
from connector.simulator.server.strict import violations
from connector.store.all_tables import metadata
from connector.store.engine import VERSIONS, Store
from connector.store.migrate import migrate
from tests import compiled
from tests.servers import QUEUES, Postgres, RabbitMQ
from tests.simulated import Simulated

compiled.are_shared()

_MIGRATED = "migrated"
# Only those that a test has written to: to empty one that is empty costs as much.
_EMPTY_THE_TABLES = f"""
DO $$
DECLARE
  written text;
BEGIN
  SELECT string_agg(quote_ident(relname), ', ') INTO written FROM pg_class
  WHERE relname IN ({", ".join(f"'{name}'" for name in metadata.tables)})
    AND relkind = 'r' AND pg_relation_size(oid) > 0;
  IF written IS NOT NULL THEN
    EXECUTE 'TRUNCATE ' || written;
  END IF;
END $$
"""
_THIS_VERSION = f"UPDATE alembic_version SET version_num = '{VERSIONS[-1]}' WHERE version_num <> '{VERSIONS[-1]}'"
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
    try:
        rabbitmq.delete_queues(*QUEUES)
    except (KombuError, AMQPError, OSError):  # a test that failed has left it so: that is no fault of this one
        rabbitmq.kill()
        rabbitmq.forget_all()
        rabbitmq.start()
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
    server.run(f"{others} AND pid <> pg_backend_pid()", _EMPTY_THE_TABLES, _THIS_VERSION, database=_MIGRATED)
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


@pytest.fixture(scope="module")
def store_of_module(_migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An open store on SQLite for what a module starts once for its tests; `emptied_store` is the same, emptied."""
    store = Store(f"sqlite:///{shutil.copy(_migrated_file, tmp_path_factory.mktemp('module'))}")
    yield store
    store.close()


@pytest.fixture
def emptied_store(store_of_module: Store) -> Store:
    """The open store on SQLite that the tests of a module share, empty."""
    with store_of_module.writing() as tx:
        for table in metadata.sorted_tables:
            tx.execute(delete(table))
    return store_of_module


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
    with running(inspect=violations) as url:
        simulated = Simulated(url)
        yield simulated
        simulated.close()


@pytest.fixture
def simulator(_simulated: Simulated) -> Iterator[Simulated]:
    """A simulated Customer.io, empty and in good order."""
    _simulated.reset()
    yield _simulated
    assert _simulated.violations() == []


def _migrate(url: str) -> None:
    store = Store(url)
    migrate(store)
    store.close()
