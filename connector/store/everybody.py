"""Everybody of a sync, as a resync goes through them: in the order of their keys, some at a time."""

from sqlalchemy import ColumnElement, Connection, func, literal, or_, select

from connector.store.entities import OBJECT, TABLE, of
from connector.store.tables import BACKFILL


def _everybody(sync: str) -> ColumnElement[bool]:
    """Who ever was in the audience, or is held by Customer.io."""
    return of(sync) & or_(TABLE.c.entered, TABLE.c.delivered.is_not(None))


def count(connection: Connection, sync: str) -> int:
    """How many there are; a look at the whole table."""
    return int(connection.execute(select(func.count()).select_from(TABLE).where(_everybody(sync))).scalar_one())


def after(connection: Connection, sync: str, key: str, limit: int) -> list[str]:
    """The first `limit` keys after `key`, in the store's order of keys."""
    found = select(TABLE.c.key).where(_everybody(sync), TABLE.c.key > key).order_by(TABLE.c.key).limit(limit)
    return list(connection.execute(found).scalars())


def objects(connection: Connection, sync: str) -> list[str]:
    """The keys of all objects of a sync that were spoken of, or are held by Customer.io."""
    spoken_of = or_(TABLE.c.entered, TABLE.c.delivered.is_not(None))
    return list(connection.execute(select(TABLE.c.key).where(of(sync, OBJECT), spoken_of)).scalars())


def due_behind(connection: Connection, sync: str, at_most: int) -> int:
    """How many are due in the lane of bulk loads and resyncs; not counted beyond `at_most`."""
    due = select(literal(1)).where(of(sync), TABLE.c.lane == BACKFILL, TABLE.c.due_at.is_not(None))
    return int(connection.execute(select(func.count()).select_from(due.limit(at_most).subquery())).scalar_one())
