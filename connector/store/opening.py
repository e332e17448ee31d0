"""Opens the store, and the transactions on it."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.types.array import ListBinaryDumper
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, OperationalError

from connector.errors import StoreError

_BUSY_SECONDS = 60
_LOOK_AGAIN_SECONDS = 0.001
_TRUSTED_SECONDS = 1.0
_BEGAN = "began"
_TIME = "SELECT extract(epoch FROM clock_timestamp())"
_MIGRATION_LOCK = 6_170_263_041  # any number, the same in every version
# Every statement here finds its rows by an index, few at a time. Of a table that grew a moment ago PostgreSQL has no
# statistics: it would sort all that is due for each claim, or read whole tables. Off means: where nothing else will do.
_PLANS = """
SET plan_cache_mode = force_custom_plan; SET enable_bitmapscan = off; SET enable_sort = off;
SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off
"""
_MIGRATIONS = Path(__file__).parent / "migrations"


class Store:
    """An open store. Transactions are short: none is ever open while a request to Customer.io is on its way."""

    def __init__(self, url: str) -> None:
        """Opens `url`, a SQLite or PostgreSQL URL as SQLAlchemy writes it. Connects at the first transaction."""
        self.url = make_url(url)
        self.on_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self.on_sqlite else _postgresql_engine(url)
        self._one_writer = threading.Lock()

    @property
    def place(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def writing(self, *, may_be_lost: bool = False) -> Iterator[Connection]:
        """A transaction that commits at the end. SQLite has one writer at a time: in this process they queue fairly.

        may_be_lost: where a crash of PostgreSQL may take the commit back, so that it need not wait for the disk.
        """
        with self._translated(), ExitStack() as stack:
            if self.on_sqlite:
                stack.enter_context(self._one_writer)
            connection = stack.enter_context(self.engine.connect())
            connection.execution_options(writes=True, may_be_lost=may_be_lost)
            stack.enter_context(connection.begin())
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that writes nothing, and on SQLite waits for no writer."""
        with self._translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    def now(self, connection: Connection) -> float:
        """Unix seconds by the one clock that all workers share: PostgreSQL's, or this machine's with SQLite.

        PostgreSQL says it when a transaction begins, and it stands still until the next one does.
        """
        return time() if self.on_sqlite else float(connection.info[_BEGAN])

    def migrate(self) -> bool:
        """Brings the tables to this version; True where they were not. Raises StoreError where they are newer."""
        before = self.version()
        if before == _newest_version():
            return False
        with self._translated(), self.engine.connect() as connection:
            config = _alembic()
            config.attributes["connection"] = connection
            self._alone(connection)
            command.upgrade(config, "head")
            connection.commit()
        return True

    def _alone(self, connection: Connection) -> None:
        """Of several programs that start at once one migrates, the others wait and find it done."""
        if not self.on_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})

    def version(self) -> str | None:
        """The version of the tables, None for an empty store. Raises StoreError where this program does not know it."""
        with self.reading() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in {each.revision for each in _scripts().walk_revisions()}:
            raise StoreError(
                f"{self.place} holds tables of a newer version ({found}): install that version, or a copy of it"
            )
        return found

    def check_version(self) -> None:
        """Raises StoreError where the tables are not of this version, with what to do."""
        if self.version() != _newest_version():
            raise StoreError(f"{self.place} has no tables of this version yet: run `connector migrate`")

    def close(self) -> None:
        """Gives back the connections."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, psycopg.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            first_line = str(cause).strip().splitlines()[:1]
            raise StoreError(f"the store {self.place} failed: {''.join(first_line)}") from error


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_alembic())


def _newest_version() -> str | None:
    return _scripts().get_current_head()


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy says BEGIN, below: sqlite3 would choose a deferred one
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the lock at once: a deferred transaction that turns writer half-way fails instead of waiting.
        if connection.get_execution_options().get("writes"):
            _begin_writing(connection)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _postgresql_engine(url: str) -> Engine:
    engine = create_engine(url)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        # Arrays go in binary: as text each element is escaped, 250 times as slow (reference: celery-lab, c).
        connection.adapters.register_dumper(list, ListBinaryDumper)
        connection.execute(_PLANS)
        connection.commit()
        connection.autocommit = True  # we say BEGIN, below

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # One way there and back for all that every transaction begins with.
        lost = connection.get_execution_options().get("may_be_lost")
        words = f"BEGIN; {'SET LOCAL synchronous_commit = off;' if lost else ''} {_TIME}"
        try:
            connection.info[_BEGAN] = _last_value(connection.connection.dbapi_connection, words)
        except psycopg.Error:
            connection.invalidate()
            raise

    @event.listens_for(engine, "checkin")
    def _note(_: Any, record: Any) -> None:
        record.info["used_at"] = monotonic()

    @event.listens_for(engine, "checkout")
    def _check(connection: Any, record: Any, _: Any) -> None:
        # One that was used a moment ago is most likely good, and asking costs as much as a statement.
        if monotonic() - record.info.get("used_at", monotonic()) > _TRUSTED_SECONDS:
            _ping(connection)

    return engine


def _last_value(connection: Any, statements: str) -> Any:
    cursor = connection.execute(statements, prepare=False)
    while cursor.nextset():
        pass
    return cursor.fetchone()[0]


def _ping(connection: Any) -> None:
    """Raises DisconnectionError, upon which the pool gives another one, where a connection is broken."""
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.OperationalError as error:
        raise DisconnectionError from error


def _begin_writing(connection: Connection) -> None:
    """Waits for the lock by asking again at once: SQLite's own way sleeps up to 100 ms between two looks."""
    give_up_at = monotonic() + _BUSY_SECONDS
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    while True:
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if "locked" not in str(error.orig) or monotonic() > give_up_at:
                raise
            sleep(_LOOK_AGAIN_SECONDS)
        else:
            break
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")
