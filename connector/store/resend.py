"""Makes people due on purpose, mostly by raising doubt: Customer.io may not hold what it has confirmed."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, func, literal, select, update

from connector.model.entity import EntityKind, Identifier, Unconfirmed
from connector.store import encoding, identifier_holders
from connector.store.entities import PERSON, TABLE, parts
from connector.store.tables import BACKFILL, EXIT, HELD


def send_whole(tx: Connection, sync: str, keys: Collection[str], now: float, kind: EntityKind = PERSON) -> int:
    """Makes users (or objects) due to be sent whole, behind all live changes.

    Users who wait for an identifier that another user holds, and those whose deletion is held, are left alone. Raising
    doubt while a worker sends for them is safe: a settlement takes back only the doubt that its claim knew of.

    Args:
        tx: A transaction that writes.
        sync: The sync, by its name.
        keys: Their keys.
        now: The store's time, in unix seconds.
        kind: Whether these are people or objects.

    Returns:
        How many became due.
    """
    raised = 0
    for part in parts(keys):
        mine = and_(_of(sync, part, kind), TABLE.c.waits_for.is_(None), TABLE.c.lane != HELD)
        _lock(tx, mine)
        again = update(TABLE).where(mine).values(
            doubt=TABLE.c.doubt + 1,
            # A user who is due already keeps their place in the line.
            due_at=func.coalesce(TABLE.c.due_at, literal(now)),
            lane=case((TABLE.c.due_at.is_(None), literal(BACKFILL)), else_=TABLE.c.lane),
        )  # fmt: skip
        raised += tx.execute(again).rowcount
    return raised


def waits_whole(tx: Connection, sync: str, key: str) -> bool:
    """Says whether a user is due and in doubt, so that they will be sent whole; locks the row if they are."""
    mine = and_(_of(sync, [key], PERSON), TABLE.c.due_at.is_not(None), TABLE.c.doubt > 0)
    return tx.execute(select(TABLE.c.key).where(mine).with_for_update()).first() is not None


def make_due_behind(tx: Connection, sync: str, keys: Collection[str], now: float, kind: EntityKind = PERSON) -> int:
    """Makes those users (or objects) due, behind live changes, who are not due, wait for nothing and are not held.

    Args:
        tx: A transaction that writes.
        sync: The sync, by its name.
        keys: Their keys.
        now: The store's time, in unix seconds.
        kind: Whether these are people or objects.

    Returns:
        How many became due.
    """
    made = 0
    for part in parts(keys):
        free = and_(TABLE.c.due_at.is_(None), TABLE.c.waits_for.is_(None), TABLE.c.lane != HELD)
        mine = and_(_of(sync, part, kind), free)
        _lock(tx, mine)
        made += tx.execute(update(TABLE).where(mine).values(due_at=now, lane=BACKFILL)).rowcount
    return made


def delete_again(tx: Connection, sync: str, identifiers: Mapping[str, Identifier], now: float) -> int:
    """Makes users due to be deleted under their identifiers, although they were believed gone.

    The deletion guard counts them like all exits. Users whose identifier another user holds by now are left alone.

    Args:
        tx: A transaction that writes.
        sync: The sync, by its name.
        identifiers: The identifier of each, by the user's key.
        now: The store's time, in unix seconds.

    Returns:
        How many became due.
    """
    free = _holding_their_own(tx, sync, identifiers)
    rows = [{"the_key": key, "may_exist": encoding.tried_text(Unconfirmed((identifiers[key],)))} for key in free]
    if rows:
        mine = and_(TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.key == bindparam("the_key"))
        values: dict[str, Any] = {"tried": bindparam("may_exist"), "doubt": TABLE.c.doubt + 1}
        tx.execute(update(TABLE).where(mine).values(**values, due_at=now, lane=EXIT), rows)
    return len(rows)


def _holding_their_own(tx: Connection, sync: str, identifiers: Mapping[str, Identifier]) -> list[str]:
    """Returns the keys of those whose identifier no other user holds; they hold it from now on."""
    wanted: dict[str, list[str]] = {}
    for key, identifier in sorted(identifiers.items()):
        wanted.setdefault(encoding.identifier_text(identifier), []).append(key)
    holders = identifier_holders.hold(tx, sync, wanted)
    return [key for key in sorted(identifiers) if holders[encoding.identifier_text(identifiers[key])] == key]


def unmoved(tx: Connection, sync: str, revisions: Mapping[str, int]) -> list[str]:
    """Returns those of these users still at their revision, to whom nothing is owed, and locks their rows."""
    found: list[str] = []
    for part in parts(revisions):
        idle = and_(TABLE.c.due_at.is_(None), TABLE.c.lease.is_(None), TABLE.c.doubt == 0, TABLE.c.lane != HELD)
        mine = select(TABLE.c.key, TABLE.c.revision).where(_of(sync, part), idle, TABLE.c.waits_for.is_(None))
        rows = tx.execute(mine.order_by(TABLE.c.key).with_for_update())
        found += [row.key for row in rows if row.revision == revisions[row.key]]
    return found


def _lock(tx: Connection, mine: ColumnElement[bool]) -> None:
    """Locks these rows in the order of their keys, as every writer does."""
    tx.execute(select(TABLE.c.key).where(mine).order_by(TABLE.c.key).with_for_update()).all()


def _of(sync: str, keys: Collection[str], kind: EntityKind = PERSON) -> ColumnElement[bool]:
    return and_(TABLE.c.sync == sync, TABLE.c.kind == kind, TABLE.c.key.in_(keys))


def may_be_held(
    tx: Connection, sync: str, identifiers: Mapping[str, Identifier], names: Collection[str], now: float
) -> set[str]:
    """Notes that Customer.io may hold these users by their identifiers, though nothing was delivered; makes them due.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        identifiers: by the keys of the users.
        names: the attributes that they may have there.
        now: when they are due, in unix seconds by the store's clock.

    Returns:
        The keys of the users noted: nothing was known of them, and no other user holds their identifier.
    """
    unknown = _unknown(tx, sync, identifiers)
    free = _holding_their_own(tx, sync, {key: identifiers[key] for key in unknown})
    if free:
        left = {key: encoding.tried_text(Unconfirmed((identifiers[key],), frozenset(names))) for key in free}
        mine = and_(TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.key == bindparam("the_key"))
        again = update(TABLE).where(mine).values(
            tried=bindparam("may_exist"),
            doubt=TABLE.c.doubt + 1,
            entered=True,
            due_at=func.coalesce(TABLE.c.due_at, now),
            lane=case((TABLE.c.due_at.is_(None), literal(EXIT)), else_=TABLE.c.lane),
        )  # fmt: skip
        tx.execute(again, [{"the_key": key, "may_exist": text} for key, text in left.items()])
    return set(free)


def _unknown(tx: Connection, sync: str, keys: Collection[str]) -> list[str]:
    """Returns those of these users with nothing delivered or in doubt who wait for nobody, and locks their rows."""
    known = TABLE.c.delivered.is_not(None) | (TABLE.c.doubt > 0) | TABLE.c.waits_for.is_not(None)
    found: list[str] = []
    for part in parts(keys):
        mine = select(TABLE.c.key).where(_of(sync, part), ~known).order_by(TABLE.c.key)
        found += tx.execute(mine.with_for_update()).scalars()
    return found
