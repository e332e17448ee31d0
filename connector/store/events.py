"""Events: each accepted once, by its ULID, and sent once."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Exists, and_, bindparam, exists, func, select, update

from connector.entity import OwedEvent
from connector.store import encoding
from connector.store.entities import TABLE as ENTITY
from connector.store.entities import insert
from connector.store.tables import DROPPED, PENDING, REFUSED, SENT, EventRow

__all__ = ["DROPPED", "REFUSED", "SENT", "add", "owed", "settle", "still_owed"]

TABLE = EventRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
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
            "sync": sync,
            "id": id,
            "key": by_id[id][0],
            "body": encoding.event_text(by_id[id][1]),
            "occurred_at": by_id[id][1].occurred_at,
            "state": PENDING,
            "accepted_at": now,
        }
        for id in ids
    ]
    statement = insert(connection, TABLE).on_conflict_do_nothing().returning(TABLE.c.id)
    return set(connection.execute(statement, rows).scalars())


def owed(connection: Connection, sync: str, keys: Iterable[str]) -> dict[str, list[OwedEvent]]:
    """The events owed to these users, in the order in which they happened, at most EVENTS_A_PERSON each."""
    place = func.row_number().over(partition_by=TABLE.c.key, order_by=(TABLE.c.occurred_at, TABLE.c.id)).label("place")
    mine = and_(TABLE.c.sync == sync, TABLE.c.state == PENDING, TABLE.c.key.in_(sorted(keys)))
    numbered = select(TABLE.c.key, TABLE.c.id, TABLE.c.occurred_at, TABLE.c.body, place).where(mine).subquery()
    found: dict[str, list[OwedEvent]] = {}
    first = select(numbered).where(numbered.c.place <= EVENTS_A_PERSON).order_by(numbered.c.key, numbered.c.place)
    for row in connection.execute(first):
        found.setdefault(row.key, []).append(encoding.event_of(row.id, row.occurred_at, row.body))
    return found


def owe_again(connection: Connection, sync: str, key: str) -> int:
    """Takes back the refusal of a user's events; how many are owed again."""
    refused = (TABLE.c.sync == sync) & (TABLE.c.key == key) & (TABLE.c.state == REFUSED) & TABLE.c.body.is_not(None)
    return connection.execute(update(TABLE).where(refused).values(state=PENDING)).rowcount


def settle(connection: Connection, sync: str, ids: Iterable[str], state: int) -> None:
    """Puts these events into `state`; the body of what was sent or dropped is not needed any more."""
    rows = [{"the_id": id} for id in sorted(ids)]
    if not rows:
        return
    values = {"state": state} if state == REFUSED else {"state": state, "body": None}
    statement = update(TABLE).where(TABLE.c.sync == sync, TABLE.c.id == bindparam("the_id")).values(values)
    connection.execute(statement, rows)


def still_owed() -> Exists:
    """SQL: whether the entity in the enclosing statement has events to send."""
    return exists().where(TABLE.c.sync == ENTITY.c.sync, TABLE.c.key == ENTITY.c.key, TABLE.c.state == PENDING)
