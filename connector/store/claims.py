"""Claims: who sends for which entity, and what became of it.

A claim is a lease, never a lock held across a request: intake goes on moving the facts meanwhile, and settling
compares revisions, so that such an entity stays due. A lease runs out by itself when its holder dies.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, func, literal, null, or_, select, update

from connector.entity import Entity, Tried
from connector.errand import Claim, Settlement
from connector.store import encoding, events, identities
from connector.store.entities import PERSON, TABLE, entity_of


def claim(connection: Connection, sync: str, lease: str, limit: int, now: float, seconds: float) -> list[Claim]:
    """Leases up to `limit` due entities for `seconds`, the longest due first; others' rows are passed over."""
    free = or_(TABLE.c.leased_until.is_(None), TABLE.c.leased_until < now)
    # Materialized: PostgreSQL may otherwise run the subselect again for each row, and lease more than the limit.
    due = (
        select(TABLE.c.key)
        .where(TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.due_at <= now, free)
        .order_by(TABLE.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED")
    )
    leased = (
        update(TABLE)
        .where(TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.key.in_(select(due.c.key)))
        .values(lease=lease, leased_until=now + seconds, doubt=TABLE.c.doubt + 1)
        .returning(*TABLE.c)
    )
    rows = connection.execute(leased).all()
    owed = events.owed(connection, sync, [row.key for row in rows]) if rows else {}
    return [Claim(_before(row), tuple(owed.get(row.key, ()))) for row in sorted(rows, key=lambda row: str(row.key))]


def _before(row: Any) -> Entity:
    entity = entity_of(row)
    return Entity(entity.key, entity.facts, entity.delivered, entity.tried, entity.doubt - 1, entity.revision)


def settle(connection: Connection, sync: str, lease: str, settlements: Sequence[Settlement], now: float) -> None:
    """Writes what became of the claims that this lease still holds; one that ran out is another's to settle."""
    held = lock(connection, sync, lease)
    ordered = [each for each in settlements if each.entity.key in held]
    _confirm(connection, sync, lease, [each for each in ordered if each.state == "confirmed"], now)
    _refuse(connection, sync, lease, [each for each in ordered if each.state == "refused"], now)
    _postpone(connection, sync, lease, [each for each in ordered if each.state == "later"], now)


def lock(connection: Connection, sync: str, lease: str) -> set[str]:
    """Locks the rows of a lease in the order of their keys, as intake does; their keys."""
    mine = select(TABLE.c.key).where(TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.lease == lease)
    return set(connection.execute(mine.order_by(TABLE.c.key).with_for_update()).scalars())


def _mine(sync: str, lease: str) -> Any:
    return update(TABLE).where(
        TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.key == bindparam("the_key"), TABLE.c.lease == lease
    )


def _confirm(connection: Connection, sync: str, lease: str, settled: Sequence[Settlement], now: float) -> None:
    if not settled:
        return
    can_go_on = and_(bindparam("idle") == literal(0), events.still_owed())
    owing = or_(TABLE.c.revision != bindparam("seen"), bindparam("more") == literal(1), can_go_on)
    statement = _mine(sync, lease).values(
        delivered=bindparam("after"),
        tried=null(),
        doubt=0,
        lease=null(),
        leased_until=null(),
        due_at=case((TABLE.c.waits_for.is_not(None), null()), (owing, literal(now)), else_=null()),
    )
    rows = [
        {
            "the_key": settlement.entity.key,
            "after": encoding.person_text(settlement.after),
            "seen": settlement.entity.revision,
            "more": int(settlement.more),
            "idle": int(settlement.idle),
        }
        for settlement in settled
    ]
    connection.execute(statement, rows)
    _release(connection, sync, settled, now)


def _release(connection: Connection, sync: str, settled: Sequence[Settlement], now: float) -> None:
    """Lets go of identifiers, but of none whose user has moved on meanwhile: they may have come back to it."""
    pairs = [(encoding.identifier_text(each), s.entity.key) for s in settled for each in s.released]
    if not pairs:
        return
    unmoved = _unmoved(connection, sync, [settlement for settlement in settled if settlement.released])
    identities.release(connection, sync, [pair for pair in pairs if pair[1] in unmoved], now)


def _unmoved(connection: Connection, sync: str, settled: Sequence[Settlement]) -> set[str]:
    seen = {settlement.entity.key: settlement.entity.revision for settlement in settled}
    columns = select(TABLE.c.key, TABLE.c.revision).where(TABLE.c.sync == sync, TABLE.c.key.in_(sorted(seen)))
    return {row.key for row in connection.execute(columns) if row.revision == seen[row.key]}


def _refuse(connection: Connection, sync: str, lease: str, settled: Sequence[Settlement], now: float) -> None:
    if not settled:
        return
    moved = TABLE.c.revision != bindparam("seen")
    statement = _mine(sync, lease).values(
        delivered=bindparam("after"),
        tried=bindparam("tried_before"),
        doubt=bindparam("doubt_before"),
        lease=null(),
        leased_until=null(),
        due_at=case((moved, literal(now)), else_=null()),
    )
    rows = [_known_before(s) | {"seen": s.entity.revision, "after": encoding.person_text(s.after)} for s in settled]
    connection.execute(statement, rows)


def _postpone(connection: Connection, sync: str, lease: str, settled: Sequence[Settlement], now: float) -> None:
    certain = [s for s in settled if not s.doubt]
    if certain:
        values: dict[str, Any] = {"tried": bindparam("tried_before"), "doubt": bindparam("doubt_before")}
        statement = _mine(sync, lease).values(**values, lease=null(), leased_until=null(), due_at=now)
        connection.execute(statement, [_known_before(s) for s in certain])
    doubtful = [{"the_key": s.entity.key} for s in settled if s.doubt]
    if doubtful:
        connection.execute(_mine(sync, lease).values(lease=null(), leased_until=null(), due_at=now), doubtful)


def _known_before(settlement: Settlement) -> dict[str, Any]:
    entity = settlement.entity
    tried = entity.tried if entity.doubt else Tried()
    return {"the_key": entity.key, "tried_before": encoding.tried_text(tried), "doubt_before": entity.doubt}


def due_count(connection: Connection, sync: str) -> int:
    """How many entities are due, leased ones among them."""
    counted = select(func.count()).select_from(TABLE).where(TABLE.c.sync == sync, TABLE.c.due_at.is_not(None))
    return int(connection.execute(counted).scalar_one())


def any_due(connection: Connection, sync: str, now: float) -> bool:
    """Whether anything is due that nobody is sending."""
    free = or_(TABLE.c.leased_until.is_(None), TABLE.c.leased_until < now)
    due = select(TABLE.c.key).where(TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.due_at <= now, free)
    return connection.execute(due.limit(1)).first() is not None


def release_all(connection: Connection) -> int:
    """Ends every lease: for a program that knows that no other one is sending, as embedded mode does when it starts."""
    ended = update(TABLE).where(TABLE.c.lease.is_not(None)).values(lease=null(), leased_until=null())
    return connection.execute(ended).rowcount
