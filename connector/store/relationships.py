"""Keeps which people are related to which object, to make them due when the object is created or deleted there.

Locks are taken in one order: objects before people. So intake locks the objects that messages name before it locks
the users, and a settlement of objects has them locked when it makes people due.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, case, delete, func, literal, select, update

from connector.audience import objects
from connector.audience.audience_status import AudienceStatus
from connector.model.entity import Entity
from connector.planning.settlement import Answered
from connector.store import entities
from connector.store.bulk_sql import TEXT, Rows, among, given
from connector.store.entities import OBJECT, TABLE, Written, of, parts
from connector.store.statements import RowsStatement
from connector.store.tables import BACKFILL, HELD, LIVE, RelationRow

RELATION = RelationRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
_THERE = (AudienceStatus.IN, AudienceStatus.KEPT)
"""The standings of objects that take relationships: for one about to be deleted, a late one might bring it back."""


def present(tx: Connection, sync: str, keys: Iterable[str]) -> set[str]:
    """Returns those of these objects that Customer.io holds and is to keep."""
    found: set[str] = set()
    for part in parts(keys):
        there = TABLE.c.delivered.is_not(None) & TABLE.c.standing.in_(_THERE)
        mine = select(TABLE.c.key).where(of(sync, OBJECT), among(tx, TABLE.c.key, part), there)
        found.update(tx.execute(mine).scalars())
    return found


def of_people(tx: Connection, sync: str, keys: Iterable[str]) -> dict[str, set[str]]:
    """Returns the objects that these people are known to be related to, by the person's key."""
    found: dict[str, set[str]] = {}
    for part in parts(keys):
        mine = (RELATION.c.sync == sync) & among(tx, RELATION.c.key, part)
        for row in tx.execute(select(RELATION.c.key, RELATION.c.object).where(mine)):
            found.setdefault(row.key, set()).add(row.object)
    return found


def want(tx: Connection, sync: str, wanted: Mapping[str, Collection[str]], now: float) -> set[str]:
    """Notes to which objects people are to be related.

    An object that no message has described becomes due without attributes. The objects are locked, so that the
    settlement that confirms one either sees these people or has committed before.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        wanted: the objects' keys, by the person's key.
        now: unix seconds, by the store's clock.

    Returns:
        Those of the objects that Customer.io holds.
    """
    keys = sorted({key for each in wanted.values() for key in each})
    if not keys:
        return set()
    entities.reserve(tx, sync, keys, OBJECT)
    found = entities.load(tx, sync, keys, OBJECT)
    named = [
        Written(_named(each), AudienceStatus.IN, True)
        for each in found.values()
        if not (each.facts.entered or each.unreadable)
    ]
    entities.save(tx, sync, named, now, OBJECT)
    pairs = [(key, person) for person, each in sorted(wanted.items()) for key in sorted(each)]
    _adding(tx.dialect.name).run(tx, pairs, sync=sync)
    return present(tx, sync, keys)


def _named(entity: Entity) -> Entity:
    return Entity(entity.key, objects.NAMED, revision=entity.revision + 1, kind=OBJECT)


@cache
def _adding(database: str) -> RowsStatement:
    rows = Rows(database, {"object": TEXT, "key": TEXT})
    return rows.statement(rows.insertion(RELATION, sync=given("sync")).on_conflict_do_nothing())


def drop(tx: Connection, sync: str, gone: Mapping[str, Collection[str]]) -> None:
    """Deletes relationships of people to objects. gone: the objects' keys by the person's key."""
    pairs = [(key, person) for person, each in sorted(gone.items()) for key in sorted(each)]
    if pairs:
        _dropping(tx.dialect.name).run(tx, pairs, sync=sync)


@cache
def _dropping(database: str) -> RowsStatement:
    rows = Rows(database, {"object": TEXT, "key": TEXT}, "sync")
    mine = (RELATION.c[name] == rows[name] for name in ("key", "sync", "object"))
    return rows.statement(delete(RELATION).where(*mine))


def forget(tx: Connection, sync: str, key: str) -> None:
    """Deletes all relationships of one person."""
    tx.execute(delete(RELATION).where(RELATION.c.sync == sync, RELATION.c.key == key))


def told(tx: Connection, sync: str, settled: Sequence[Answered], now: float) -> None:
    """Makes people due whose objects were created or deleted in Customer.io.

    A settlement of objects calls this while it has them locked. People who wait for an object that was created are
    planned again. People who were related to one that was deleted are sent whole, since the object may come back before
    that and they must not count as related to it.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        settled: the settlements of the objects.
        now: unix seconds, by the store's clock.
    """
    came = [each.entity.key for each in settled if each.after is not None and each.entity.delivered is None]
    went = [each.entity.key for each in settled if each.after is None and each.entity.delivered is not None]
    _make_due(tx, sync, came, now, lane=LIVE, revision=TABLE.c.revision + 1)
    _make_due(tx, sync, went, now, lane=BACKFILL, doubt=TABLE.c.doubt + 1)


def _make_due(tx: Connection, sync: str, keys: Collection[str], now: float, lane: int, **values: Any) -> None:
    """Makes people due, except those who wait for an identifier and those whose deletion is held."""
    people = [key for part in parts(keys) for key in tx.execute(_related(tx, sync, part)).scalars()]
    waits = TABLE.c.waits_for.is_not(None) | (TABLE.c.lane == HELD)
    due = {
        "due_at": case((waits, TABLE.c.due_at), else_=func.coalesce(TABLE.c.due_at, literal(now))),
        "lane": case((waits | TABLE.c.due_at.is_not(None), TABLE.c.lane), else_=literal(lane)),
    }
    for part in parts(set(people)):
        mine = of(sync) & among(tx, TABLE.c.key, part)
        # Locked in the order of their keys, as every writer does.
        tx.execute(select(TABLE.c.key).where(mine).order_by(TABLE.c.key).with_for_update()).all()
        tx.execute(update(TABLE).where(mine).values(**due, **values))


def _related(tx: Connection, sync: str, objects: Collection[str]) -> Any:
    mine = (RELATION.c.sync == sync) & among(tx, RELATION.c.object, objects)
    return select(RELATION.c.key).where(mine)
