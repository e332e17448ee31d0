"""Opens the store, and the transactions on it."""

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from copy import copy
from pathlib import Path
from time import monotonic

import psycopg
from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from connector.errors import StoreError
from connector.settings.sections import StoreSettings as Limits
from connector.store import clock, page_bounds, postgres, sqlite, statements
from connector.store.clock import Clock

_MIGRATION_LOCK = 6_170_263_041  # any number, the same in every version
_PASSWORD = re.compile(r"([?&](?:ssl)?password=)[^&]*")
_NOT_THERE = ("42P01", "42703", "no such table", "no such column")
"""The codes and words by which PostgreSQL and SQLite say that a table or a column is not there."""
MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS = tuple(sorted(path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*.py")))
"""The versions that the tables have had, by the beginnings of the migrations' names; the last one is this program's."""


class Store:
    """An open store. Transactions are short: none is ever open while a request to Customer.io is on its way."""

    def __init__(self, url: str, limits: Limits | None = None, *, never_patient: bool = False) -> None:
        """Opens `url`, a SQLite or PostgreSQL URL as SQLAlchemy writes it. Connects at the first transaction.

        limits: how long to wait for what, [store] of the settings; its defaults if left out. never_patient: for pages,
        which only read: the bounds hold for `patient` transactions as well, and on SQLite too.
        """
        self._never_patient = never_patient
        self.url = make_url(url)
        self.on_sqlite = self.url.get_backend_name() == "sqlite"
        bounds = limits or Limits()
        self._file = sqlite.watch_of(self.url) if self.on_sqlite else None
        self.engine = sqlite.engine(self.url, self._file) if self.on_sqlite else postgres.engine(self.url, bounds)
        if self.on_sqlite and never_patient:
            page_bounds.bound(self.engine, bounds.statement_seconds)
        self._one_writer = threading.Lock()
        self.hurry_seconds: float | None = None
        self._renewed_at = -clock.RENEWED_SECONDS

    @property
    def in_memory(self) -> bool:
        """Says whether it is SQLite without a file: nothing else can open it."""
        return self.on_sqlite and self.url.database in (None, "", ":memory:")

    @property
    def place(self) -> str:
        """The URL without its passwords, which may stand behind its ? as well."""
        return _PASSWORD.sub(r"\1***", self.url.render_as_string(hide_password=True))

    @contextmanager
    def writing(self, *, may_be_lost: bool = False, patient: bool = False) -> Iterator[Connection]:
        """Opens a transaction that commits at the end.

        SQLite has one writer at a time: the writers of this process queue fairly. may_be_lost: a crash of PostgreSQL
        may take the commit back, so it need not wait for the disk. patient: a human asked for something that looks
        through whole tables, and it may take hours.

        Raises StoreError where it fails; StoreFileError where the file of SQLite is not at its path any more.
        """
        with self._written(may_be_lost=may_be_lost, patient=patient) as connection:
            yield connection
            kept, machine = self._kept(connection)
        if kept.is_stale(machine) and monotonic() > self._renewed_at + clock.RENEWED_SECONDS:
            self._renewed_at = monotonic()
            self._renew()

    @contextmanager
    def _written(self, **options: bool) -> Iterator[Connection]:
        hurry = None if options.get("patient") else self.hurry_seconds
        with self._translated(), ExitStack() as stack:
            if self.on_sqlite:
                stack.enter_context(self._turn(hurry))
            connection = stack.enter_context(self._connected())
            bound = {} if hurry is None else {"wait_seconds": hurry}
            connection.execution_options(writes=True, **options, **bound)
            opened = self._file.numbers if self._file else None
            with connection.begin(), nullcontext() if self.on_sqlite else statements.committing(connection):
                yield connection
            if self._file and opened:
                self._file.check_kept(opened)

    def hurried(self, seconds: float) -> "Store":
        """Returns this open store for requests that somebody waits for: writes wait so long for SQLite's lock.

        What is `patient` waits as before. PostgreSQL has its own bound ([store] lock_seconds).
        """
        view = copy(self)
        view.hurry_seconds = seconds
        return view

    @contextmanager
    def _turn(self, seconds: float | None) -> Iterator[None]:
        """Waits for the other writers of this process; raises StoreError after so many seconds."""
        if not self._one_writer.acquire(timeout=-1 if seconds is None else seconds):
            raise StoreError(
                f"the store {self.place} is busy: something has been writing for longer than {seconds:g} s"
            )
        try:
            yield
        finally:
            self._one_writer.release()

    def _connected(self) -> Connection:
        """Returns a connection to the file that is at its path. Raises StoreFileError where that is another one."""
        if self._file is not None:
            self._file.check()
        return self.engine.connect()

    @contextmanager
    def reading(self, *, patient: bool = False, timeless: bool = False) -> Iterator[Connection]:
        """Opens a transaction that writes nothing, sees the store at one moment, and waits for no writer.

        patient: as for `writing`. timeless: asks for no time, since the tables may not exist yet.
        """
        with self._translated(), self._connected() as connection:
            patient = patient and not self._never_patient
            connection.execution_options(reads=True, patient=patient, timeless=timeless)
            with connection.begin():
                yield connection

    def now(self, tx: Connection) -> float:
        """Returns unix seconds by the one clock that all workers share, which never goes back (`clock`).

        PostgreSQL says it when a transaction begins, and it stands still until the next one does.
        """
        kept, machine = self._kept(tx)
        return kept.now(machine)

    def _kept(self, tx: Connection) -> tuple[Clock, float]:
        """Returns what the store keeps of the time, and what the machine's clock says."""
        if self.on_sqlite:
            return tx.info[sqlite.READ], sqlite.machine_time()
        machine, kept = tx.info[postgres.READ]
        return kept, machine

    def _renew(self) -> None:
        """Keeps the time. Another process may do so as well; if it fails, the next transaction tries again."""
        with suppress(StoreError), self._written(may_be_lost=True) as connection:
            clock.renew(connection, *self._kept(connection))

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """Opens a transaction that changes the tables and commits at the end. On PostgreSQL one runs at a time."""
        with self._translated(), self._connected() as connection:
            connection.execution_options(timeless=True, patient=True)
            if not self.on_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            yield connection
            connection.commit()

    def version(self) -> str | None:
        """Returns the version of the tables, None for an empty store.

        Raises StoreError if this program does not know the version.
        """
        with self.reading(timeless=True) as tx:
            made = inspect(tx).has_table("alembic_version")
            found = tx.execute(text("SELECT version_num FROM alembic_version")).scalar() if made else None
        if found is not None and found not in VERSIONS:
            raise StoreError(
                f"{self.place} holds tables of a newer version ({found}): install that version, or a copy of it"
            )
        return found

    def is_migrated(self) -> bool:
        """Says whether the tables are of this version. Raises StoreError if they are of a newer one."""
        return self.version() == VERSIONS[-1]

    def check_version(self) -> None:
        """Raises StoreError, with what to do, if the tables are not of this version."""
        if not self.is_migrated():
            raise StoreError(f"{self.place} has no tables of this version yet: run `connector migrate`")

    def close(self) -> None:
        """Closes the connections. A SQLite file is whole afterwards, without the files beside it."""
        writes = self.on_sqlite and not self._never_patient
        in_place = self._file is None or self._file.is_in_place()
        if writes and in_place and self.engine.pool.checkedin():  # type: ignore[attr-defined]  # of every pool that is used here
            sqlite.checkpoint(self.engine)
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise StoreError(f"the store {self.place} failed: all its connections are busy") from error
        except (DBAPIError, psycopg.Error, sqlite3.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            first_line = str(cause).strip().splitlines()[:1]
            why = _hint(cause) or (sqlite.hint(self.url) if self.on_sqlite else "")
            raise StoreError(f"the store {self.place} failed: {''.join(first_line)}{why}") from error


def _hint(cause: BaseException | None) -> str:
    """Returns, as the end of a sentence, what a message of the database leaves unsaid; "" for nothing."""
    words = str(cause)
    if words.startswith("database is locked"):
        return ": another program has been writing to it all the while, or has left a transaction open"
    if getattr(cause, "sqlstate", None) in _NOT_THERE or words.startswith(_NOT_THERE):
        return ": the tables are not those of this version: run `connector migrate`"
    return ": a statement has taken too long" if words == page_bounds.INTERRUPTED else ""
