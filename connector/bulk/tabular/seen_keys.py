"""The users that a table has named: too many for the memory, so a SQLite file holds them, which is gone when closed."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager

from pydantic_core import to_json


class Seen:
    """A set of keys of users, kept in a SQLite database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        """Makes the table of keys in an empty database."""
        self._database = database
        database.execute("CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, keys: Iterable[str]) -> None:
        """Notes these keys."""
        self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?)", ((key,) for key in keys))

    def others(self, keys: Sequence[str]) -> list[str]:
        """Returns those of the keys that were never added, in their order."""
        asked = "SELECT key FROM seen WHERE key IN (SELECT value FROM json_each(?))"
        known = {key for (key,) in self._database.execute(asked, (to_json(keys).decode(),))}
        return [key for key in keys if key not in known]


@contextmanager
def kept() -> Iterator[Seen]:
    """Yields an empty set of keys. SQLite chooses its folder (SQLITE_TMPDIR, TMPDIR, the system's), and removes it."""
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("BEGIN")
        yield Seen(database)
