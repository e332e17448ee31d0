"""Opens SQLite for the store: one writer at a time, which waits for the lock in small steps."""

import os
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError

from connector.store import file_watch
from connector.store.clock import ONLY, Clock
from connector.store.file_watch import FileWatch

READ = "clock"
"""The name under which a connection keeps what the store keeps of the time."""
BUSY_SECONDS = 60
_LOOK_AGAIN_SECONDS = 0.001
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536", "temp_store=MEMORY", "schema_version")
"""The pragmas of each connection. The last one reads, which opens the -wal, so that `FileWatch` sees its number."""


def machine_time() -> float:
    """Returns what the machine's clock says, in unix seconds."""
    return time()


def watch_of(url: URL) -> FileWatch | None:
    """Returns the watch of the file that a URL names; None for memory, and for a name of SQLite's own (file:...)."""
    name = url.database or ""
    return None if name in ("", ":memory:") or name.startswith("file:") else file_watch.watch_of(Path(name))


def engine(url: URL, watch: FileWatch | None) -> Engine:
    """Returns an engine of a file, which is watched, or of memory. It connects at the first transaction."""
    made = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(made, "connect")
    def _configure(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy says BEGIN, below: sqlite3 would choose a deferred one
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(made, "begin")
    def _begin(tx: Connection) -> None:
        # A writer takes the lock at once: a deferred transaction that turns writer half-way fails instead of waiting.
        options = tx.get_execution_options()
        if options.get("writes"):
            _begin_writing(tx, options.get("wait_seconds", BUSY_SECONDS))
        else:
            tx.exec_driver_sql("BEGIN")
        tx.info[READ] = Clock() if options.get("timeless") else _clock(tx)

    if watch is not None:
        watch.attach(made)
    return made


def _clock(tx: Connection) -> Clock:
    row = tx.exec_driver_sql("SELECT ahead, since, seen FROM clock WHERE id = ?", (ONLY,)).one_or_none()
    return Clock() if row is None else Clock(*row)


def hint(url: URL) -> str:
    """Returns why a file cannot be used, as the end of a sentence; "" if no reason is seen."""
    folder = Path(url.database or "").absolute().parent
    if not folder.is_dir():
        return f" (the folder {folder} is not there: make it)"
    if not os.access(folder, os.W_OK):
        return f" (this program may not write in the folder {folder}: allow it, or name another one)"
    return ""


def checkpoint(made: Engine) -> None:
    """Writes all that is committed into the file itself, so that a copy of it is whole without the files beside it.

    While another program is writing, this is left to that one.
    """
    with suppress(DBAPIError), made.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.execute("PRAGMA busy_timeout=1000")
        driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _begin_writing(tx: Connection, seconds: float) -> None:
    """Begins to write, asking for the lock each millisecond: SQLite itself sleeps up to 100 ms between two tries."""
    give_up_at = monotonic() + seconds
    tx.exec_driver_sql("PRAGMA busy_timeout=0")
    while True:
        try:
            tx.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if "locked" not in str(error.orig) or monotonic() > give_up_at:
                raise
            sleep(_LOOK_AGAIN_SECONDS)
        else:
            break
    tx.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
