"""Who is to be related to which object; and what people must learn when an object comes to Customer.io, or goes.

Locks are taken in one order: objects before people. So intake locks the objects that messages speak of before it locks
the users, and a settlement of objects has them locked when it makes people due.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, case, delete, func, literal, select, update

from connector.audience import objects
from connector.audience import Standing
from connector.model.entity import Entity
from connector.planning.attempt import Settlement
from connector.store import entities
from connector.store.entities import OBJECT, TABLE, Written, of, parts
from connector.store.bulk_sql import TEXT, Rows, among, given
from connector.store.tables import BACKFILL, HELD, LIVE, RelationRow

RELATION = RelationRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
_THERE = (Standing.IN, Standing.KEPT)
"""An object that is about to be deleted takes no more relationships: one sent late might bring it back."""


def present(connection: Connection, sync: str, keys: Iterable[str]) -> set[str]:
    """Those of these objects that Customer.io holds, and is to go on holding."""
    found: set[str] = set()
    for part in parts(keys):
        there = TABLE.c.delivered.is_not(None) & TABLE.c.standing.in_(_THERE)
        mine = select(TABLE.c.key).where(of(sync, OBJECT), among(connection, TABLE.c.key, part), there)
        found.update(connection.execute(mine).scalars())
    return found


def of_people(connection: Connection, sync: str, keys: Iterable[str]) -> dict[str, set[str]]:
    """The objects that these people are known to be related to, by the person's key."""
    found: dict[str, set[str]] = {}
    for part in parts(keys):
        mine = (RELATION.c.sync == sync) & among(connection, RELATION.c.key, part)
        for row in connection.execute(select(RELATION.c.key, RELATION.c.object).where(mine)):
            found.setdefault(row.key, set()).add(row.object)
    return found


def want(connection: Connection, sync: str, wanted: Mapping[str, Collection[str]], now: float) -> set[str]:
    """Takes down to which objects people (by key) are to be related; those of the objects that Customer.io holds.

    An object that nobody has described is to be created all the same, without attributes. With the objects locked, who
    confirms one either knows of these people, or is known to them.
    """
    keys = sorted({key for each in wanted.values() for key in each})
    if not keys:
        return set()
    entities.reserve(connection, sync, keys, OBJECT)
    found = entities.load(connection, sync, keys, OBJECT)
    named = [Written(_named(each), Standing.IN, True) for each in found.values() if not each.facts.entered]
    entities.save(connection, sync, named, now, OBJECT)
    pairs = [{"object": key, "key": person} for person, each in sorted(wanted.items()) for key in sorted(each)]
    rows, statement = _adding(connection.dialect.name)
    rows.execute(connection, statement, pairs, sync=sync)
    return present(connection, sync, keys)


def _named(entity: Entity) -> Entity:
    return Entity(entity.key, objects.NAMED, revision=entity.revision + 1, kind=OBJECT)


@cache
def _adding(database: str) -> tuple[Rows, Any]:
    rows = Rows(database, {"object": TEXT, "key": TEXT})
    return rows, rows.insertion(RELATION, sync=given("sync")).on_conflict_do_nothing()


def drop(connection: Connection, sync: str, gone: Mapping[str, Collection[str]]) -> None:
    """Forgets that people (by key) were related to objects."""
    pairs = [{"object": key, "key": person} for person, each in sorted(gone.items()) for key in sorted(each)]
    if pairs:
        rows = Rows(connection.dialect.name, {"object": TEXT, "key": TEXT}, "sync")
        mine = (RELATION.c[name] == rows[name] for name in ("key", "sync", "object"))
        rows.execute(connection, delete(RELATION).where(*mine), pairs, sync=sync)


def forget(connection: Connection, sync: str, key: str) -> None:
    """Forgets all of one person."""
    connection.execute(delete(RELATION).where(RELATION.c.sync == sync, RELATION.c.key == key))


def told(connection: Connection, sync: str, settled: Sequence[Settlement], now: float) -> None:
    """Makes people due whose objects have come, or gone. Called by a settlement of objects, which has them locked.

    Who waits for an object that came is looked at again. Who was related to one that went is sent whole: should the
    object come back before that, they must not be taken to be related to it still.
    """
    came = [each.entity.key for each in settled if each.after is not None and each.entity.delivered is None]
    went = [each.entity.key for each in settled if each.after is None and each.entity.delivered is not None]
    _make_due(connection, sync, came, now, lane=LIVE, revision=TABLE.c.revision + 1)
    _make_due(connection, sync, went, now, lane=BACKFILL, doubt=TABLE.c.doubt + 1)


def _make_due(connection: Connection, sync: str, keys: Collection[str], now: float, lane: int, **values: Any) -> None:
    """Who waits for an identifier, or whose deletion is held, is not due by that."""
    people = [key for part in parts(keys) for key in connection.execute(_related(connection, sync, part)).scalars()]
    waits = TABLE.c.waits_for.is_not(None) | (TABLE.c.lane == HELD)
    due = {
        "due_at": case((waits, TABLE.c.due_at), else_=func.coalesce(TABLE.c.due_at, literal(now))),
        "lane": case((waits | TABLE.c.due_at.is_not(None), TABLE.c.lane), else_=literal(lane)),
    }
    for part in parts(set(people)):
        mine = of(sync) & among(connection, TABLE.c.key, part)
        # Locked in the order of their keys, as every writer does.
        connection.execute(select(TABLE.c.key).where(mine).order_by(TABLE.c.key).with_for_update()).all()
        connection.execute(update(TABLE).where(mine).values(**due, **values))


def _related(connection: Connection, sync: str, objects: Collection[str]) -> Any:
    mine = (RELATION.c.sync == sync) & among(connection, RELATION.c.object, objects)
    return select(RELATION.c.key).where(mine)
