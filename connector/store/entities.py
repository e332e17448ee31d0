"""Entities as intake reads and writes them: loaded and locked by key, merged by the caller, written in key order.

Every writer takes its rows in the order of their keys, so that two of them wait for each other and never both.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, func, literal, null, select, update
from sqlalchemy.types import TypeEngine

from connector.audience import Standing
from connector.model.entity import Entity, Facts, Kind
from connector.store import encoding
from connector.store.bulk_sql import BOOLEAN, FLOAT, INTEGER, TEXT, Rows, among, among_given, given, named
from connector.store.tables import ADMITTED, EXIT, HELD, LIVE, EntityRow

PERSON: Kind = "person"
OBJECT: Kind = "object"
SAME = ("sync", "kind")
"""The columns of the key that have one value in all rows of a statement."""
_PARAMETERS = 10_000
TABLE = EntityRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
LOADED = (  # what `entity_of` reads
    TABLE.c.key,
    TABLE.c.facts,
    TABLE.c.delivered,
    TABLE.c.tried,
    TABLE.c.memberships,
    TABLE.c.doubt,
    TABLE.c.revision,
    TABLE.c.entered,
)


_WRITTEN: Mapping[str, TypeEngine[Any]] = {
    "key": TEXT,
    "facts": TEXT,
    "tried": TEXT,
    "doubt": INTEGER,
    "revision": INTEGER,
    "entered": BOOLEAN,
    "standing": TEXT,
    "waits_for": TEXT,
    "due_at": FLOAT,
    "lane": INTEGER,
}
_MOVED = ("facts", "tried", "revision", "entered", "standing", "waits_for", "updated_at")


class Written(NamedTuple):
    """An entity to write: new facts, how it stands, whether it is due, in which lane, whose identifier it waits for."""

    entity: Entity
    standing: str
    due: bool
    waits_for: str | None = None
    lane: int = LIVE


def parts(keys: Iterable[str]) -> Iterator[list[str]]:
    """The keys in their order, in lists short enough to be the parameters of one statement."""
    ordered = sorted(keys)
    return (ordered[start : start + _PARAMETERS] for start in range(0, len(ordered), _PARAMETERS))


def of(sync: str | ColumnElement[str], kind: str | ColumnElement[str] = PERSON) -> ColumnElement[bool]:
    """The entities of a sync, of one kind."""
    return and_(TABLE.c.sync == sync, TABLE.c.kind == kind)


def is_one_of(rows: Rows) -> ColumnElement[bool]:
    """Whether an entity is one of these rows: by the whole key, as `Rows` asks for it."""
    return and_(*(TABLE.c[name] == rows[name] for name in ("key", *SAME)))


def load(connection: Connection, sync: str, keys: Collection[str], kind: Kind = PERSON) -> dict[str, Entity]:
    """The entities of these keys that exist, locked until the transaction ends."""
    found: dict[str, Entity] = {}
    for part in parts(keys):
        rows = connection.execute(_loading(connection.dialect.name), named(sync=sync, kind=kind, keys=part))
        found.update((row.key, entity_of(row, row.doubt, kind)) for row in rows)
    return found


@cache
def _loading(database: str) -> Any:
    mine = select(*LOADED).where(of(given("sync"), given("kind")), among_given(database, TABLE.c.key))
    return mine.order_by(TABLE.c.key).with_for_update()


def reserve(connection: Connection, sync: str, keys: Collection[str], kind: Kind = PERSON) -> None:
    """Puts an empty row where there is none, so that `load` can lock all: two workers may meet the same new user."""
    rows, statement = _reserving(connection.dialect.name)
    rows.execute(connection, statement, [{"key": key} for key in sorted(set(keys))], sync=sync, kind=kind)


@cache
def _reserving(database: str) -> tuple[Rows, Any]:
    rows = Rows(database, {"key": TEXT}, *SAME)
    there = exists().where(is_one_of(rows))
    empty = {"facts": encoding.facts_text(Facts()), "doubt": 0, "revision": 0, "entered": False, "standing": ""}
    statement = rows.insertion(TABLE, unless=there, lane=LIVE, updated_at=0.0, **empty)
    return rows, statement.on_conflict_do_nothing()


def entity_of(row: Any, doubt: int, kind: Kind = PERSON) -> Entity:
    """The entity that a row holds, in so much doubt."""
    return Entity(
        key=row.key,
        facts=encoding.facts_of(row.facts, row.entered),
        delivered=encoding.with_memberships(encoding.person_of(row.delivered), row.memberships),
        tried=encoding.tried_of(row.tried),
        doubt=doubt,
        revision=row.revision,
        kind=kind,
    )


def save(connection: Connection, sync: str, written: Sequence[Written], now: float, kind: Kind = PERSON) -> None:
    """Writes what intake may move: facts, standing, what was tried, due. `delivered` is settlement's to write."""
    if not written:
        return
    ordered = sorted(written, key=lambda each: each.entity.key)
    rows, statement = _saving(connection.dialect.name)
    rows.execute(connection, statement, [_row(each, now) for each in ordered], sync=sync, kind=kind, now=now)


@cache
def _saving(database: str) -> tuple[Rows, Any]:
    rows = Rows(database, _WRITTEN)
    statement = rows.insertion(TABLE, sync=given("sync"), kind=given("kind"), updated_at=given("now", FLOAT))
    new = statement.excluded
    changes = {name: new[name] for name in _MOVED}
    # Intake never takes back what is due (events may be waiting), except for who must wait for another's identifier.
    still_due = func.coalesce(new.due_at, TABLE.c.due_at)
    changes["due_at"] = case((new.waits_for.is_not(None), null()), else_=still_due)
    changes["lane"] = _lane(new)
    return rows, statement.on_conflict_do_update(index_elements=["key", "sync", "kind"], set_=changes)


def _lane(new: Any) -> Any:
    """The lane after a write.

    An exit waits for the guard unless it has passed; who comes back is held no more; nobody who is due already is
    moved behind a bulk load.
    """
    exits = case((TABLE.c.lane == ADMITTED, literal(ADMITTED)), else_=literal(EXIT))
    as_before = case((TABLE.c.lane == HELD, literal(LIVE)), else_=TABLE.c.lane)
    due_live = TABLE.c.due_at.is_not(None) & (TABLE.c.lane == LIVE)
    return case((new.lane == EXIT, exits), (new.due_at.is_(None), as_before), (due_live, literal(LIVE)), else_=new.lane)


def _row(written: Written, now: float) -> Mapping[str, Any]:
    entity = written.entity
    return {
        "key": entity.key,
        "facts": encoding.facts_text(entity.facts),
        "tried": encoding.tried_text(entity.tried),
        "doubt": entity.doubt,
        "revision": entity.revision,
        "entered": entity.facts.entered,
        "standing": written.standing,
        "waits_for": written.waits_for,
        "due_at": now if written.due else None,
        "lane": written.lane,
    }


def make_due(connection: Connection, sync: str, keys: Iterable[str], now: float, kind: Kind = PERSON) -> None:
    """Marks these entities due."""
    put(connection, sync, keys, kind, due_at=now)


def put(connection: Connection, sync: str, keys: Iterable[str], kind: Kind = PERSON, **values: Any) -> None:
    """Puts these values into all the rows, locked in the order of their keys as every writer does it."""
    for part in parts(keys):
        mine = of(sync, kind) & among(connection, TABLE.c.key, part)
        connection.execute(select(TABLE.c.key).where(mine).order_by(TABLE.c.key).with_for_update()).all()
        connection.execute(update(TABLE).where(mine).values(values))


def forget_outsiders(connection: Connection, before: float) -> int:
    """Drops the rows of users who never were in the audience, last heard of before `before`: they kept the order.

    Who is suppressed, or turned out to be another user, stays so, whoever speaks of them later.
    """
    noticed = TABLE.c.standing.in_((Standing.SUPPRESSED, Standing.MERGED)) | TABLE.c.tried.is_not(None)
    outsiders = TABLE.c.entered.is_(False) & (TABLE.c.updated_at < before) & ~noticed
    return connection.execute(delete(TABLE).where(outsiders)).rowcount
