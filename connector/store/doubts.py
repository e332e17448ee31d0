"""Doubts raised on purpose: Customer.io may not hold what it confirmed, so the whole person is to be sent again."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, literal, select, update

from connector.model.entity import Identifier, Kind, Tried
from connector.store import encoding, identities
from connector.store.entities import PERSON, TABLE, parts
from connector.store.tables import BACKFILL, EXIT, HELD


def send_whole(connection: Connection, sync: str, keys: Collection[str], now: float, kind: Kind = PERSON) -> int:
    """Makes these users (or objects) due to be sent whole, behind all live changes; how many.

    Left alone: who waits for an identifier that another user holds, and whose deletion is held. Raising doubt while
    somebody is sending for them is safe: `claims.settle` takes back only the doubt that its claim knew of.
    """
    raised = 0
    for part in parts(keys):
        mine = and_(_of(sync, part, kind), TABLE.c.waits_for.is_(None), TABLE.c.lane != HELD)
        # Locked in the order of their keys, as every writer does.
        connection.execute(select(TABLE.c.key).where(mine).order_by(TABLE.c.key).with_for_update()).all()
        again = update(TABLE).where(mine).values(
            doubt=TABLE.c.doubt + 1,
            # Who is due already keeps their place in the line.
            due_at=func.coalesce(TABLE.c.due_at, literal(now)),
            lane=case((TABLE.c.due_at.is_(None), literal(BACKFILL)), else_=TABLE.c.lane),
        )  # fmt: skip
        raised += connection.execute(again).rowcount
    return raised


def delete_again(connection: Connection, sync: str, identifiers: Mapping[str, Identifier], now: float) -> int:
    """Makes these users due to be deleted under their identifiers, although they were believed gone; how many.

    The deletion guard sees them as it sees all exits. Left alone is whose identifier another user has taken over.
    """
    wanted: dict[str, list[str]] = {}
    for key, identifier in sorted(identifiers.items()):
        wanted.setdefault(encoding.identifier_text(identifier), []).append(key)
    holders = identities.hold(connection, sync, wanted)
    rows = [
        {"the_key": key, "may_exist": encoding.tried_text(Tried((identifier,)))}
        for key, identifier in sorted(identifiers.items())
        if holders[encoding.identifier_text(identifier)] == key
    ]
    if rows:
        mine = and_(TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.key == bindparam("the_key"))
        values: dict[str, Any] = {"tried": bindparam("may_exist"), "doubt": TABLE.c.doubt + 1}
        connection.execute(update(TABLE).where(mine).values(**values, due_at=now, lane=EXIT), rows)
    return len(rows)


def unmoved(connection: Connection, sync: str, revisions: Mapping[str, int]) -> list[str]:
    """Of these users, those still at their revision, of whom nothing is owed; locked until the transaction ends."""
    found: list[str] = []
    for part in parts(revisions):
        idle = and_(TABLE.c.due_at.is_(None), TABLE.c.lease.is_(None), TABLE.c.doubt == 0, TABLE.c.lane != HELD)
        mine = select(TABLE.c.key, TABLE.c.revision).where(_of(sync, part), idle, TABLE.c.waits_for.is_(None))
        rows = connection.execute(mine.order_by(TABLE.c.key).with_for_update())
        found += [row.key for row in rows if row.revision == revisions[row.key]]
    return found


def _of(sync: str, keys: Collection[str], kind: Kind = PERSON) -> ColumnElement[bool]:
    return and_(TABLE.c.sync == sync, TABLE.c.kind == kind, TABLE.c.key.in_(keys))
