"""Claims entities: takes the right to send for them.

A claim is a lease, never a lock held across a request. Intake goes on moving the facts meanwhile; settling
(`settlements`) compares revisions, so that an entity whose facts have moved stays due. A lease whose holder dies runs
out by itself.
"""

from collections.abc import Collection
from functools import cache
from operator import itemgetter

from sqlalchemy import Connection, func, literal_column, null, or_, select, update

from connector.model.entity import EntityKind
from connector.planning.attempt import Claim
from connector.store import events, settlements
from connector.store.bulk_sql import FLOAT, INTEGER, among, given
from connector.store.entities import LOADED, PERSON, TABLE, loaded, of, parts, set_aside
from connector.store.statements import Statement
from connector.store.tables import ADMITTED, EXIT, LIVE

FAILS_ALONE = TABLE.c.attempts > literal_column("0")
"""The 0 is written into the SQL, not bound: only then can the planner use the partial index."""


def claim(
    tx: Connection,
    sync: str,
    lease: str,
    limit: int,
    now: float,
    seconds: float,
    kind: EntityKind = PERSON,
    *,
    alone: bool = False,
) -> list[Claim]:
    """Leases due entities, lane by lane, the longest due first. Rows that are locked or leased are skipped.

    Rows that cannot be read are set aside and become problems.

    Args:
        tx: a writing transaction.
        sync: the sync whose entities are claimed.
        lease: the id of this claim, new each time.
        limit: how many entities to claim at most.
        now: unix seconds, by the store's clock.
        seconds: how long the lease holds unless it is renewed.
        kind: people or objects.
        alone: True for those whose requests failed before and who are sent one by one; False for all others.

    Returns:
        The claims, in the order of their keys.
    """
    leasing = _leasing(tx.dialect.name, alone)
    values = {"sync": sync, "kind": kind, "lease": lease, "limit": limit, "now": now, "until": now + seconds}
    while rows := leasing.run(tx, **values):
        rows.sort(key=itemgetter(0))
        found = [
            (loaded(row[:-3], kind, 1), row[-3] == ADMITTED, row[-2], row[-1] if row[-3] == LIVE else None)
            for row in rows
        ]
        corrupt = [entity for entity, *_ in found if entity.unreadable]
        if corrupt:
            set_aside(tx, sync, corrupt, now)
            found = [each for each in found if not each[0].unreadable]
        if found:  # if all were set aside, others may be due behind them: claim again
            owed = events.owed(tx, sync, [each.key for each, *_ in found], now) if kind == PERSON else {}
            return [
                Claim(entity, tuple(owed.get(entity.key, ())), admitted, attempts=attempts, since=since)
                for entity, admitted, attempts, since in found
            ]
    return []


@cache
def _leasing(database: str, alone: bool) -> Statement:
    now = given("now", FLOAT)
    free = or_(TABLE.c.leased_until.is_(None), TABLE.c.leased_until < now)
    # Materialized: PostgreSQL may otherwise run the subselect again for each row, and lease more than the limit.
    due = (
        select(TABLE.c.key, TABLE.c.sync, TABLE.c.kind)
        .where(of(given("sync"), given("kind")), FAILS_ALONE if alone else ~FAILS_ALONE, TABLE.c.due_at <= now, free)
        .order_by(*([TABLE.c.due_at] if alone else [TABLE.c.lane, TABLE.c.due_at]))
        .limit(given("limit", INTEGER))
        .with_for_update(skip_locked=True)
        .cte("due")
        .prefix_with("MATERIALIZED")
    )
    leased = (
        update(TABLE)
        .where(TABLE.c.key == due.c.key, TABLE.c.sync == due.c.sync, TABLE.c.kind == due.c.kind)
        .values(lease=given("lease"), leased_until=given("until", FLOAT), doubt=TABLE.c.doubt + 1)
    )
    return Statement(database, leased.returning(*LOADED, TABLE.c.lane, TABLE.c.attempts, TABLE.c.updated_at))


def renew(tx: Connection, sync: str, kind: EntityKind, lease: str, keys: Collection[str], until: float) -> bool:
    """Extends the lease to `until`.

    The rows are locked in the order of their keys, as every writer does, to avoid deadlocks.

    Args:
        tx: a writing transaction.
        sync: the sync of the entities.
        kind: people or objects.
        lease: the id of the claim.
        keys: the keys of the entities that were claimed.
        until: the end of the lease, in unix seconds by the store's clock.

    Returns:
        False if another claim has taken some of these keys, or released them.
    """
    mine = settlements.leased(tx, sync, lease, keys, kind)
    for part in parts(mine):
        held = of(sync, kind) & among(tx, TABLE.c.key, part)
        tx.execute(update(TABLE).where(held).values(leased_until=until))
    return len(mine) == len(keys)


def any_alone(tx: Connection, sync: str, now: float, kind: EntityKind = PERSON) -> bool:
    """Says whether anybody is due whose requests failed before and who is therefore sent alone.

    Args:
        tx: a transaction.
        sync: the name of the sync.
        now: unix seconds, by the store's clock.
        kind: people or objects.

    Returns:
        True if there is at least one.
    """
    return bool(_any_alone(tx.dialect.name).run(tx, sync=sync, kind=kind, now=now))


@cache
def _any_alone(database: str) -> Statement:
    mine = of(given("sync"), given("kind"))
    due = select(TABLE.c.key).where(mine, FAILS_ALONE, TABLE.c.due_at <= given("now", FLOAT))
    return Statement(database, due.limit(1))


def due_count(tx: Connection, sync: str) -> int:
    """Returns how many entities are due, including leased ones."""
    counted = select(func.count()).select_from(TABLE).where(TABLE.c.sync == sync, TABLE.c.due_at.is_not(None))
    return int(tx.execute(counted).scalar_one())


def oldest_due(tx: Connection, sync: str) -> float | None:
    """Returns since when the entity due the longest waits, in unix seconds, bulk loads left out; None if none does."""
    live = (TABLE.c.sync == sync) & TABLE.c.due_at.is_not(None) & TABLE.c.lane.in_((LIVE, ADMITTED, EXIT))
    found = tx.execute(select(func.min(TABLE.c.due_at)).where(live)).scalar()
    return None if found is None else float(found)


def any_due(tx: Connection, sync: str, now: float, kind: EntityKind = PERSON) -> bool:
    """Says whether anything is due that nobody is sending.

    Args:
        tx: a transaction.
        sync: the name of the sync.
        now: unix seconds, by the store's clock.
        kind: people or objects.

    Returns:
        True if at least one entity is due and is not leased.
    """
    free = or_(TABLE.c.leased_until.is_(None), TABLE.c.leased_until < now)
    due = select(TABLE.c.key).where(of(sync, kind), TABLE.c.due_at <= now, free)
    return tx.execute(due.limit(1)).first() is not None


def release_all(tx: Connection) -> int:
    """Ends every lease and returns how many there were. Only for a program that knows that no other one is sending.

    Embedded mode calls it when it starts.
    """
    ended = update(TABLE).where(TABLE.c.lease.is_not(None)).values(lease=null(), leased_until=null())
    return tx.execute(ended).rowcount
