"""Events: each accepted once, by its ULID, and sent once."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Exists, and_, exists, func, literal_column, select, update

from connector.model.entity import OwedEvent
from connector.store import encoding
from connector.store.entities import TABLE as ENTITY
from connector.store.bulk_sql import FLOAT, INTEGER, TEXT, Rows, among_given, given, named
from connector.store.tables import DROPPED, PENDING, REFUSED, SENT, EventRow

__all__ = ["DROPPED", "REFUSED", "SENT", "add", "owed", "settle", "still_owed"]

TABLE = EventRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
IS_PENDING = TABLE.c.state == literal_column(str(PENDING))
"""Spelt out: the index holds what is pending, and a parameter could be anything."""
EVENTS_A_PERSON = 100
"""How many events of one person go in one request at the most, so that nobody's backlog fills it alone."""


def add(connection: Connection, sync: str, events: Sequence[tuple[str, OwedEvent]], now: float) -> set[str]:
    """Adds (user's key, event) pairs; the ULIDs of those that were new. The others were accepted before."""
    if not events:
        return set()
    by_id = {event.id: (key, event) for key, event in reversed(events)}
    ids = sorted(by_id)
    rows = [
        {
            "id": id,
            "key": by_id[id][0],
            "body": encoding.event_text(by_id[id][1]),
            "occurred_at": by_id[id][1].occurred_at,
        }
        for id in ids
    ]
    form, statement = _adding(connection.dialect.name)
    return set(form.execute(connection, statement, rows, sync=sync, now=now).scalars())


@cache
def _adding(database: str) -> tuple[Rows, Any]:
    form = Rows(database, {"id": TEXT, "key": TEXT, "body": TEXT, "occurred_at": INTEGER})
    statement = form.insertion(TABLE, sync=given("sync"), state=PENDING, accepted_at=given("now", FLOAT))
    return form, statement.on_conflict_do_nothing().returning(TABLE.c.id)


def owed(connection: Connection, sync: str, keys: Iterable[str]) -> dict[str, list[OwedEvent]]:
    """The events owed to these users, in the order in which they happened, at most EVENTS_A_PERSON each."""
    found: dict[str, list[OwedEvent]] = {}
    for row in connection.execute(_owing(connection.dialect.name), named(sync=sync, keys=sorted(keys))):
        found.setdefault(row.key, []).append(encoding.event_of(row.id, row.occurred_at, row.body))
    return found


@cache
def _owing(database: str) -> Any:
    place = func.row_number().over(partition_by=TABLE.c.key, order_by=(TABLE.c.occurred_at, TABLE.c.id)).label("place")
    mine = and_(TABLE.c.sync == given("sync"), IS_PENDING, among_given(database, TABLE.c.key))
    numbered = select(TABLE.c.key, TABLE.c.id, TABLE.c.occurred_at, TABLE.c.body, place).where(mine).subquery()
    return select(numbered).where(numbered.c.place <= EVENTS_A_PERSON).order_by(numbered.c.key, numbered.c.place)


def owe_again(connection: Connection, sync: str, key: str) -> int:
    """Takes back the refusal of a user's events; how many are owed again."""
    refused = (TABLE.c.sync == sync) & (TABLE.c.key == key) & (TABLE.c.state == REFUSED) & TABLE.c.body.is_not(None)
    return connection.execute(update(TABLE).where(refused).values(state=PENDING)).rowcount


def settle(connection: Connection, sync: str, ids: Iterable[str], state: int) -> None:
    """Puts these events into `state`; the body of what was sent or dropped is not needed any more."""
    rows = [{"id": id} for id in sorted(ids)]
    if rows:
        form, statement = _settling(connection.dialect.name, state)
        form.execute(connection, statement, rows, sync=sync)


@cache
def _settling(database: str, state: int) -> tuple[Rows, Any]:
    form = Rows(database, {"id": TEXT}, "sync")
    values = {"state": state} if state == REFUSED else {"state": state, "body": None}
    return form, update(TABLE).where(TABLE.c.sync == form["sync"], TABLE.c.id == form["id"]).values(values)


def still_owed() -> Exists:
    """SQL: whether the entity in the enclosing statement has events to send."""
    return exists().where(TABLE.c.sync == ENTITY.c.sync, TABLE.c.key == ENTITY.c.key, IS_PENDING)
