"""Reads what is known of people, and nothing else of their rows, for readers that change nothing."""

from collections.abc import Collection
from contextlib import suppress

from sqlalchemy import Connection, select

from connector.model.entity import Facts
from connector.store import encoding
from connector.store.bulk_sql import among
from connector.store.entities import TABLE, of, parts


def read(tx: Connection, sync: str, keys: Collection[str]) -> dict[str, Facts]:
    """Returns what is known of people by key, without a lock; unreadable rows and people without a row are left out."""
    found: dict[str, Facts] = {}
    for part in parts(keys):
        rows = select(TABLE.c.key, TABLE.c.facts, TABLE.c.entered).where(of(sync), among(tx, TABLE.c.key, part))
        for row in tx.execute(rows):
            with suppress(encoding.CorruptError):
                found[row.key] = encoding.facts_of(row.facts, row.entered)
    return found
