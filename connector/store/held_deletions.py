"""Reads the deletions that the guard of a sync holds: how many of how many, and whose."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, Integer, and_, func, literal_column, or_, select

from connector.model.approval import HeldName
from connector.model.entity import Entity, EntityKind
from connector.store import deletion_guard
from connector.store.bulk_sql import among
from connector.store.entities import OBJECT, PERSON, TABLE, entity_of
from connector.store.tables import HELD

_IS_HELD = TABLE.c.lane == literal_column(str(HELD))  # spelt out: the index holds these alone


class GuardStanding(NamedTuple):
    """The standing of a sync's guard of people, or of objects. Times are unix seconds.

    held: deletions that are held; audience: how many Customer.io held when that was counted last, at `counted_at`;
    passed: how many were let pass within the window. since: since when it holds, None where it does not.
    """

    kind: EntityKind
    held: int
    audience: int
    counted_at: float
    since: float | None
    passed: int


class HeldDeletion(NamedTuple):
    """A person or object whose deletion is held. updated_at: when upstream last reported a change, in unix seconds."""

    sync: str
    kind: EntityKind
    entity: Entity
    updated_at: float


def standings(tx: Connection, sync: str, since: float) -> list[GuardStanding]:
    """Returns how the guards of a sync stand: that of its people, then that of its objects.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        since: The time from which the deletions that were let pass are counted, in unix seconds.
    """
    counted = select(TABLE.c.kind, func.count()).where(TABLE.c.sync == sync, _IS_HELD).group_by(TABLE.c.kind)
    held = {str(row[0]): int(row[1]) for row in tx.execute(counted)}
    guard, admission = deletion_guard.TABLE, deletion_guard.ADMISSION
    names: dict[EntityKind, str] = {kind: deletion_guard.name_of(sync, kind) for kind in (PERSON, OBJECT)}
    rows = {row.sync: row for row in tx.execute(select(guard).where(guard.c.sync.in_(names.values())))}
    within = (admission.c.sync.in_(names.values())) & (admission.c.minute >= int(since // 60))
    passing = select(admission.c.sync, func.sum(admission.c.count)).where(within).group_by(admission.c.sync)
    passed = {str(row[0]): int(row[1]) for row in tx.execute(passing)}
    return [
        GuardStanding(
            kind,
            held.get(kind, 0),
            int(rows[name].audience) if name in rows else 0,
            rows[name].counted_at if name in rows else 0.0,
            rows[name].held_since if name in rows else None,
            passed.get(name, 0),
        )
        for kind, name in names.items()
    ]


def page(tx: Connection, sync: str, after: HeldName | None, limit: int) -> list[HeldDeletion]:
    """Returns the next deletions that are held, in the order of their keys.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        after: The last one that was seen, None at the beginning.
        limit: How many to return at most.
    """
    found = select(TABLE).where(TABLE.c.sync == sync, _IS_HELD).order_by(TABLE.c.key, TABLE.c.kind).limit(limit)
    if after is not None:
        kind, key = after
        found = found.where(TABLE.c.key >= key, or_(TABLE.c.key > key, TABLE.c.kind > kind))
    return [
        HeldDeletion(sync, row.kind, entity_of(row, row.doubt, row.kind), row.updated_at) for row in tx.execute(found)
    ]


def count(tx: Connection, sync: str, names: Iterable[HeldName] | None = None) -> int:
    """Returns how many deletions of a sync are held: of these, or of all."""
    found = select(func.count(type_=Integer)).select_from(TABLE).where(TABLE.c.sync == sync, _IS_HELD)
    if names is None:
        return int(tx.execute(found).scalar_one())
    of_kind: dict[str, list[str]] = {PERSON: [], OBJECT: []}
    for kind, key in names:
        of_kind[kind].append(key)
    meant = [and_(TABLE.c.kind == kind, among(tx, TABLE.c.key, keys)) for kind, keys in of_kind.items() if keys]
    return int(tx.execute(found.where(or_(*meant))).scalar_one()) if meant else 0
