"""Reads everybody of a sync, as a resync goes through them: in the order of their keys, some at a time."""

from sqlalchemy import ColumnElement, Connection, func, literal, or_, select

from connector.model.entity import Entity, EntityKind
from connector.store.entities import LOADED, OBJECT, TABLE, loaded, of
from connector.store.statements import SQLITE, planned_rows
from connector.store.tables import BACKFILL, HELD


def _everybody(sync: str) -> ColumnElement[bool]:
    """Returns the condition that selects users who ever were in the audience, or whom Customer.io holds."""
    return of(sync) & or_(TABLE.c.entered, TABLE.c.delivered.is_not(None))


def count(tx: Connection, sync: str) -> int:
    """Returns how many there are, by a look at the whole table."""
    return int(tx.execute(select(func.count()).select_from(TABLE).where(_everybody(sync))).scalar_one())


def reckoned(tx: Connection, sync: str) -> int:
    """Returns about how many there are: PostgreSQL estimates it without reading rows, in SQLite they are counted."""
    return count(tx, sync) if tx.dialect.name == SQLITE else planned_rows(tx, select(1).where(_everybody(sync)))


def after(tx: Connection, sync: str, key: str, limit: int) -> list[str]:
    """Returns the next keys, in the store's order of keys.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        key: The key to begin behind; "" for the first.
        limit: The most keys to return.
    """
    found = select(TABLE.c.key).where(_everybody(sync), TABLE.c.key > key).order_by(TABLE.c.key).limit(limit)
    return list(tx.execute(found).scalars())


def objects(tx: Connection, sync: str) -> list[str]:
    """Returns the keys of all objects of a sync that upstream has named, or that Customer.io holds."""
    spoken_of = or_(TABLE.c.entered, TABLE.c.delivered.is_not(None))
    return list(tx.execute(select(TABLE.c.key).where(of(sync, OBJECT), spoken_of)).scalars())


def page(tx: Connection, sync: str, key: str, limit: int, kind: EntityKind, *, idle: bool = False) -> list[Entity]:
    """Returns the next people or objects, without those who wait for a human or another user, and locks none.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        key: The key to begin behind; "" for the first.
        limit: The most to return.
        kind: Whether these are people or objects.
        idle: Only those who are not due.
    """
    mine = of(sync, kind) & or_(TABLE.c.entered, TABLE.c.delivered.is_not(None))
    free = TABLE.c.waits_for.is_(None) & (TABLE.c.lane != HELD)
    if idle:
        free &= TABLE.c.due_at.is_(None)
    rows = tx.execute(select(*LOADED).where(mine, free, TABLE.c.key > key).order_by(TABLE.c.key).limit(limit))
    return [loaded(row, kind) for row in rows]


def due_behind(tx: Connection, sync: str, at_most: int) -> int:
    """Returns how many people are due in the lane of bulk loads and resyncs, counted no further than `at_most`."""
    due = select(literal(1)).where(of(sync), TABLE.c.lane == BACKFILL, TABLE.c.due_at.is_not(None))
    return int(tx.execute(select(func.count()).select_from(due.limit(at_most).subquery())).scalar_one())
