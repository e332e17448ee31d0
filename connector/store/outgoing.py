"""Keeps the outbox: the messages for each target, in order, until it has taken them; and each target's state."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Table, delete, func, insert, or_, select

from connector.store.activity_tables import OutgoingRow, OutTargetRow
from connector.store.bulk_sql import among
from connector.store.bulk_sql import insert as upsert

TABLE: Table = OutgoingRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
TARGET: Table = OutTargetRow.__table__  # type: ignore[attr-defined]  # as above


class Waiting(NamedTuple):
    """A message in the outbox. id: its place in the order; message_id: by which the target recognises a repeat."""

    id: int
    message_id: str
    topic: str
    body: str


class TargetState(NamedTuple):
    """The circuit breaker of a target: failures in a row, until when it is paused (unix seconds), and why.

    alone_up_to: up to this message each goes alone, since one of them was refused for good; refusals: how often in a
    row the first that waits was.
    """

    failures: int = 0
    paused_until: float = 0.0
    reason: str = ""
    alone_up_to: int = 0
    refusals: int = 0


class Backlog(NamedTuple):
    """The number of messages that wait for a target, and when the oldest of them was added, in unix seconds."""

    messages: int
    oldest: float


NOTHING_WAITS = Backlog(0, 0.0)


def one_at_a_time(tx: Connection, connection: str) -> None:
    """Lets one transaction at a time fold for this connection, by a lock of PostgreSQL's; SQLite has one writer.

    So messages that are committed later come later in the order.
    """
    if tx.dialect.name != "sqlite":
        tx.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"out of {connection}"))))


def add(tx: Connection, rows: Sequence[Mapping[str, object]], now: float) -> None:
    """Adds messages to the outbox, in their order: target, person, message_id, topic, body. now: unix seconds."""
    if rows:
        tx.execute(insert(TABLE), [{**each, "at": now} for each in rows])


def first(tx: Connection, target: str, limit: int) -> list[Waiting]:
    """Returns the messages that wait for a target, the oldest first, at most `limit`."""
    columns = (TABLE.c.id, TABLE.c.message_id, TABLE.c.topic, TABLE.c.body)
    mine = select(*columns).where(TABLE.c.target == target).order_by(TABLE.c.id).limit(limit)
    return [Waiting(*row) for row in tx.execute(mine)]


def message(tx: Connection, id: int) -> Mapping[str, str] | None:
    """Returns a message that waits, as `add` takes it; None where it no longer waits."""
    columns = (TABLE.c.target, TABLE.c.person, TABLE.c.message_id, TABLE.c.topic, TABLE.c.body)
    row = tx.execute(select(*columns).where(TABLE.c.id == id)).one_or_none()
    return None if row is None else row._asdict()


def taken(tx: Connection, target: str, ids: Collection[int]) -> None:
    """Deletes these messages from the outbox, since the target has taken them."""
    tx.execute(delete(TABLE).where(TABLE.c.target == target, TABLE.c.id.in_(ids)))


def backlogs(tx: Connection) -> dict[str, Backlog]:
    """Returns the backlog of each target for which messages wait."""
    counted = select(TABLE.c.target, func.count(), func.min(TABLE.c["at"])).group_by(TABLE.c.target)
    return {target: Backlog(count, oldest) for target, count, oldest in tx.execute(counted)}


def states(tx: Connection) -> dict[str, TargetState]:
    """Returns the state of each target for which one was ever written, by name."""
    columns = (TARGET.c.name, *(TARGET.c[name] for name in TargetState._fields))
    return {row[0]: TargetState(*row[1:]) for row in tx.execute(select(*columns))}


def fares(tx: Connection, target: str, state: TargetState) -> None:
    """Writes the state of a target."""
    row = upsert(tx.dialect.name, TARGET).values(name=target, **state._asdict())
    tx.execute(row.on_conflict_do_update(index_elements=["name"], set_=state._asdict()))


def erase(tx: Connection, people: Collection[str]) -> None:
    """Deletes the waiting messages about these people, by the keys of their profiles."""
    tx.execute(delete(TABLE).where(or_(among(tx, TABLE.c.person, people))))
