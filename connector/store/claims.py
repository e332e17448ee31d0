"""Claims: who sends for which entity.

A claim is a lease, never a lock held across a request: intake goes on moving the facts meanwhile, and settling
(`settling`) compares revisions, so that such an entity stays due. A lease runs out by itself when its holder dies.
"""

from functools import cache
from typing import Any

from sqlalchemy import Connection, func, null, or_, select, update

from connector.model.entity import Kind
from connector.planning.attempt import Claim
from connector.store import events
from connector.store.entities import LOADED, PERSON, TABLE, entity_of, of
from connector.store.bulk_sql import FLOAT, INTEGER, given, named
from connector.store.tables import ADMITTED


def claim(
    connection: Connection, sync: str, lease: str, limit: int, now: float, seconds: float, kind: Kind = PERSON
) -> list[Claim]:
    """Leases up to `limit` due entities for `seconds`, lane by lane, the longest due first.

    Rows that others are writing or have leased are passed over.
    """
    values = named(sync=sync, kind=kind, lease=lease, limit=limit, now=now, until=now + seconds)
    rows = connection.execute(_leasing(), values).all()
    owed = events.owed(connection, sync, [row.key for row in rows]) if rows and kind == PERSON else {}
    ordered = sorted(rows, key=lambda row: str(row.key))
    return [
        Claim(entity_of(row, row.doubt - 1, kind), tuple(owed.get(row.key, ())), row.lane == ADMITTED)
        for row in ordered
    ]


@cache
def _leasing() -> Any:
    now = given("now", FLOAT)
    free = or_(TABLE.c.leased_until.is_(None), TABLE.c.leased_until < now)
    # Materialized: PostgreSQL may otherwise run the subselect again for each row, and lease more than the limit.
    due = (
        select(TABLE.c.key, TABLE.c.sync, TABLE.c.kind)
        .where(of(given("sync"), given("kind")), TABLE.c.due_at <= now, free)
        .order_by(TABLE.c.lane, TABLE.c.due_at)
        .limit(given("limit", INTEGER))
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED")
    )
    return (
        update(TABLE)
        .where(TABLE.c.key == due.c.key, TABLE.c.sync == due.c.sync, TABLE.c.kind == due.c.kind)
        .values(lease=given("lease"), leased_until=given("until", FLOAT), doubt=TABLE.c.doubt + 1)
        .returning(*LOADED, TABLE.c.lane)
    )


def due_count(connection: Connection, sync: str) -> int:
    """How many entities are due, leased ones among them."""
    counted = select(func.count()).select_from(TABLE).where(TABLE.c.sync == sync, TABLE.c.due_at.is_not(None))
    return int(connection.execute(counted).scalar_one())


def any_due(connection: Connection, sync: str, now: float, kind: Kind = PERSON) -> bool:
    """Whether anything is due that nobody is sending."""
    free = or_(TABLE.c.leased_until.is_(None), TABLE.c.leased_until < now)
    due = select(TABLE.c.key).where(of(sync, kind), TABLE.c.due_at <= now, free)
    return connection.execute(due.limit(1)).first() is not None


def release_all(connection: Connection) -> int:
    """Ends every lease: for a program that knows that no other one is sending, as embedded mode does when it starts."""
    ended = update(TABLE).where(TABLE.c.lease.is_not(None)).values(lease=null(), leased_until=null())
    return connection.execute(ended).rowcount
