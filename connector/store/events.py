"""Keeps events: each is accepted once, by its ULID, and sent once."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Exists, and_, exists, func, literal_column, select, update

from connector.model.entity import PendingEvent
from connector.model.problem import Problem
from connector.store import encoding, problems
from connector.store.bulk_sql import FLOAT, INTEGER, TEXT, Rows, among_given, given
from connector.store.entities import TABLE as ENTITY
from connector.store.row_texts import PLAIN, RowTexts
from connector.store.statements import SQLITE, RowsStatement, Statement
from connector.store.tables import DROPPED, PENDING, REFUSED, SENT, EventRow

__all__ = ["DROPPED", "REFUSED", "SENT", "add", "owed", "settle", "still_owed"]

TABLE = EventRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
IS_PENDING = TABLE.c.state == literal_column(str(PENDING))
"""The state is written into the SQL, not bound: only then can the planner use the partial index."""
_TIME = 10
"""The number of characters of a ULID that are the event's time."""
EVENTS_A_PERSON = 100
"""The most events of one person in one request, so that nobody's backlog fills it alone."""


def add(
    tx: Connection, sync: str, events: Sequence[tuple[str, PendingEvent]], now: float, texts: RowTexts = PLAIN
) -> set[str]:
    """Adds events, except those that were accepted before.

    An event is known by upstream's id alone. The ULID contains its time too, and upstream may give another time, or
    none, when it sends the event again. So only the part of the ULID that is made of the id is compared.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        events: pairs of a user's key and an event.
        now: unix seconds, by the store's clock.
        texts: how the rows are written.

    Returns:
        The ULIDs of the events that were new.
    """
    if not events:
        return set()
    first = {event.id[_TIME:]: (key, event) for key, event in reversed(events)}
    if tx.dialect.name == SQLITE:
        for known_by in _known(tx, sync, first):
            del first[known_by]
    rows = [_row(*each, texts) for each in sorted(first.values(), key=_id)]
    if not rows:
        return set()
    return {id for (id,) in _adding(tx.dialect.name).run(tx, rows, sync=sync, now=now)}


def _known(tx: Connection, sync: str, known_by: Iterable[str]) -> set[str]:
    """Returns those of these ends of ULIDs by which events were accepted before."""
    return {found for (found,) in _knowing().run(tx, sync=sync, keys=sorted(known_by))}


@cache
def _knowing() -> Statement:
    known = _known_by(TABLE)
    return Statement(SQLITE, select(known).where(TABLE.c.sync == given("sync"), among_given(SQLITE, known)))


def _known_by(table: Any) -> Any:
    """Returns as SQL the part of an event's ULID made of upstream's id alone; written out, as the index has it."""
    return func.substr(table.c.id, literal_column(str(_TIME + 1)), type_=TEXT)


def _id(added: tuple[str, PendingEvent]) -> str:
    return added[1].id


def _row(key: str, event: PendingEvent, texts: RowTexts) -> tuple[Any, ...]:
    return event.id, key, texts.event_text(event), event.occurred_at


@cache
def _adding(database: str) -> RowsStatement:
    form = Rows(database, {"id": TEXT, "key": TEXT, "body": TEXT, "occurred_at": INTEGER}, "sync")
    before = TABLE.alias("before")
    digest = func.substr(form["id"], literal_column(str(_TIME + 1)))
    again = exists().where(_known_by(before) == digest, before.c.sync == form["sync"])
    statement = form.insertion(TABLE, unless=again, state=PENDING, accepted_at=given("now", FLOAT))
    return form.statement(statement.on_conflict_do_nothing().returning(TABLE.c.id))


def owed(tx: Connection, sync: str, keys: Iterable[str], now: float) -> dict[str, list[PendingEvent]]:
    """Returns the events that are owed to users, at most EVENTS_A_PERSON each.

    An event whose row cannot be read is refused, and becomes a problem.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        keys: the keys of the users.
        now: unix seconds, by the store's clock.

    Returns:
        The events by user, in the order in which they happened.
    """
    found: dict[str, list[PendingEvent]] = {}
    corrupt: dict[str, Problem] = {}
    for key, id, occurred_at, body in _owing(tx.dialect.name).run(tx, sync=sync, keys=sorted(keys)):
        try:
            found.setdefault(key, []).append(encoding.event_of(id, occurred_at, body or ""))
        except encoding.CorruptError as error:
            corrupt[id] = Problem("event", key, f"the store's row of the event {id} cannot be read: {error}")
    if corrupt:
        settle(tx, sync, corrupt, REFUSED)
        problems.add(tx, sync, corrupt.values(), now)
    return found


@cache
def _owing(database: str) -> Statement:
    place = func.row_number().over(partition_by=TABLE.c.key, order_by=(TABLE.c.occurred_at, TABLE.c.id)).label("place")
    mine = and_(TABLE.c.sync == given("sync"), IS_PENDING, among_given(database, TABLE.c.key))
    numbered = select(TABLE.c.key, TABLE.c.id, TABLE.c.occurred_at, TABLE.c.body, place).where(mine).subquery()
    columns = select(numbered.c.key, numbered.c.id, numbered.c.occurred_at, numbered.c.body)
    first = columns.where(numbered.c.place <= EVENTS_A_PERSON)
    return Statement(database, first.order_by(numbered.c.key, numbered.c.place))


def owe_again(tx: Connection, sync: str, key: str) -> int:
    """Makes a user's refused events owed again, and returns how many."""
    refused = (TABLE.c.sync == sync) & (TABLE.c.key == key) & (TABLE.c.state == REFUSED) & TABLE.c.body.is_not(None)
    return tx.execute(update(TABLE).where(refused).values(state=PENDING)).rowcount


def settle(tx: Connection, sync: str, ids: Iterable[str], state: int) -> None:
    """Puts events into a state. The body of an event that was sent or dropped is deleted.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        ids: the ULIDs of the events.
        state: the new state: SENT, REFUSED or DROPPED.
    """
    rows = [(id,) for id in sorted(ids)]
    if rows:
        _settling(tx.dialect.name, state).run(tx, rows, sync=sync)


@cache
def _settling(database: str, state: int) -> RowsStatement:
    form = Rows(database, {"id": TEXT}, "sync")
    values = {"state": state} if state == REFUSED else {"state": state, "body": None}
    mine = (TABLE.c.sync == form["sync"]) & (TABLE.c.id == form["id"])
    return form.statement(update(TABLE).where(mine).values(values))


def still_owed() -> Exists:
    """Returns the condition that the entity in the enclosing statement has events to send."""
    return exists().where(TABLE.c.sync == ENTITY.c.sync, TABLE.c.key == ENTITY.c.key, IS_PENDING)
