"""Entities as intake reads and writes them: loaded and locked by key, merged by the caller, written in key order.

Every writer takes its rows in the order of their keys, so that two of them wait for each other and never both.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, null, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite

from connector.entity import Entity, Facts
from connector.store import encoding
from connector.store.tables import EntityRow

PERSON = "person"
_PARAMETERS = 10_000
TABLE = EntityRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
_LOADED = (
    TABLE.c.key,
    TABLE.c.facts,
    TABLE.c.delivered,
    TABLE.c.tried,
    TABLE.c.doubt,
    TABLE.c.revision,
    TABLE.c.entered,
)


@dataclass(frozen=True, slots=True)
class Written:
    """An entity to write: new facts, how it stands, whether it is due, and whose identifier it waits for."""

    entity: Entity
    standing: str
    due: bool
    waits_for: str | None = None


def insert(connection: Connection, table: Any) -> Any:
    """An INSERT that can say ON CONFLICT, in the dialect of `connection`."""
    return insert_sqlite(table) if connection.dialect.name == "sqlite" else insert_postgresql(table)


def parts(keys: Iterable[str]) -> Iterator[list[str]]:
    """The keys in their order, in lists short enough to be the parameters of one statement."""
    ordered = sorted(keys)
    return (ordered[start : start + _PARAMETERS] for start in range(0, len(ordered), _PARAMETERS))


def load(connection: Connection, sync: str, keys: Collection[str]) -> dict[str, Entity]:
    """The entities of these keys that exist, locked until the transaction ends."""
    found: dict[str, Entity] = {}
    for part in parts(keys):
        statement = select(*_LOADED).where(TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.key.in_(part))
        rows = connection.execute(statement.order_by(TABLE.c.key).with_for_update())
        found.update((row.key, entity_of(row)) for row in rows)
    return found


def reserve(connection: Connection, sync: str, keys: Collection[str]) -> None:
    """Puts an empty row where there is none, so that `load` can lock all: two workers may meet the same new user."""
    known: set[str] = set()
    for part in parts(keys):
        statement = select(TABLE.c.key).where(TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.key.in_(part))
        known.update(connection.execute(statement).scalars())
    missing = sorted(set(keys) - known)
    if missing:
        _put_empty(connection, sync, missing)


def _put_empty(connection: Connection, sync: str, keys: Sequence[str]) -> None:
    empty = encoding.facts_text(Facts())
    rows = [{"sync": sync, "kind": PERSON, "key": key, "facts": empty} for key in keys]
    blank = {"doubt": 0, "revision": 0, "entered": False, "standing": "", "updated_at": 0.0}
    connection.execute(insert(connection, TABLE).values(blank).on_conflict_do_nothing(), rows)


def entity_of(row: Any) -> Entity:
    """The entity that a row holds."""
    return Entity(
        key=row.key,
        facts=encoding.facts_of(row.facts, row.entered),
        delivered=encoding.person_of(row.delivered),
        tried=encoding.tried_of(row.tried),
        doubt=row.doubt,
        revision=row.revision,
    )


def save(connection: Connection, sync: str, written: Sequence[Written], now: float) -> None:
    """Writes what intake may move: facts, standing, what was tried, due. `delivered` is settlement's to write."""
    if not written:
        return
    statement = insert(connection, TABLE)
    moved = ("facts", "tried", "revision", "entered", "standing", "waits_for", "due_at", "updated_at")
    changes = {name: statement.excluded[name] for name in moved}
    # Intake never takes back what is due (events may be waiting), except for who must wait for another's identifier.
    still_due = func.coalesce(statement.excluded.due_at, TABLE.c.due_at)
    changes["due_at"] = case((statement.excluded.waits_for.is_not(None), null()), else_=still_due)
    upsert = statement.on_conflict_do_update(index_elements=["sync", "kind", "key"], set_=changes)
    rows = [_row(sync, each, now) for each in sorted(written, key=lambda each: each.entity.key)]
    connection.execute(upsert, rows)


def _row(sync: str, written: Written, now: float) -> Mapping[str, Any]:
    entity = written.entity
    return {
        "sync": sync,
        "kind": PERSON,
        "key": entity.key,
        "facts": encoding.facts_text(entity.facts),
        "tried": encoding.tried_text(entity.tried),
        "doubt": entity.doubt,
        "revision": entity.revision,
        "entered": entity.facts.entered,
        "standing": written.standing,
        "waits_for": written.waits_for,
        "due_at": now if written.due else None,
        "updated_at": now,
    }


def make_due(connection: Connection, sync: str, keys: Iterable[str], now: float) -> None:
    """Marks these entities due."""
    statement = update(TABLE).where(TABLE.c.sync == sync, TABLE.c.kind == PERSON, TABLE.c.key == bindparam("the_key"))
    rows = [{"the_key": key} for key in sorted(keys)]
    if rows:
        connection.execute(statement.values(due_at=now), rows)


def forget_outsiders(connection: Connection, before: float) -> int:
    """Drops the rows of users who never were in the audience, last heard of before `before`: they kept the order."""
    outsiders = TABLE.c.entered.is_(False) & (TABLE.c.updated_at < before)
    return connection.execute(delete(TABLE).where(outsiders)).rowcount
