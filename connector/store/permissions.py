"""Tries whether this program has the permissions that it needs."""

from collections.abc import Iterable

from sqlalchemy import text

from connector.store.all_tables import metadata
from connector.store.engine import Store

OF_DOORS = ("entity", "event", "problem", "tally")
"""The tables that every door writes to."""


def try_writing(store: Store, tables: Iterable[str] = tuple(metadata.tables)) -> None:
    """Raises StoreError where a permission is missing: inserts, updates and deletes no row of each table."""
    with store.writing(may_be_lost=True) as tx:
        for name in tables:
            tx.execute(text(f'INSERT INTO "{name}" SELECT * FROM "{name}" WHERE 1 = 0'))  # noqa: S608 - our own names
            tx.execute(text(f'UPDATE "{name}" SET "{next(iter(metadata.tables[name].c)).name}" = NULL WHERE 1 = 0'))  # noqa: S608
            tx.execute(text(f'DELETE FROM "{name}" WHERE 1 = 0'))  # noqa: S608
