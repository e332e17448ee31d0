"""Reads what the store has of one user, found by any name that they go by; nothing is locked.

A key or an identifier is found by its index. Another name, and the events that were sent, are looked for in whole
tables: that is seconds for a million people, and happens when a human asks for it.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select

from connector.model.entity import Entity
from connector.store import encoding, erasure, events, identifier_holders
from connector.store.entities import PERSON, TABLE, entity_of
from connector.store.name_search import KnownBy
from connector.store.tables import DROPPED, PENDING, REFUSED, SENT

EVENT_STATES = {PENDING: "pending", SENT: "sent", REFUSED: "refused", DROPPED: "dropped"}
_IN_ORDER: tuple[KnownBy, ...] = ("key", "identifier", "said", "visitor")


class PersonRow(NamedTuple):
    """A user's row in a sync.

    due_at, updated_at: unix seconds, the latter of upstream's last news; lane: as the table says; waits_for: the
    identifier that `holder` has, in the sync `holder_sync` where that is another one; sending: whether a worker has
    them now; attempts: requests for them alone that failed in a row.
    """

    sync: str
    entity: Entity
    due_at: float | None
    lane: int
    waits_for: str | None
    holder: str | None
    sending: bool
    attempts: int
    updated_at: float
    holder_sync: str = ""


class EventSummary(NamedTuple):
    """An event of a user. name: "" where the body is gone, as it is once the event was sent; times: unix seconds."""

    id: str
    name: str
    state: str
    occurred_at: int | None
    accepted_at: float


def keys(tx: Connection, user: str, sync: str = "") -> list[str]:
    """Returns the keys of the users whom a name means, in one sync or in all, by the strongest way in which any has it.

    A key comes before an identifier, that before what upstream says, and the anonymous id of a visitor is last.
    """
    found = indexed_keys(tx, user, sync)
    if found:
        return found
    matches = erasure.find(tx, user, sync)
    by = next((way for way in _IN_ORDER if any(way in each.known for each in matches)), None)
    return sorted({each.key for each in matches if by in each.known})


def indexed_keys(tx: Connection, user: str, sync: str = "") -> list[str]:
    """Returns the user with this key or, where there is none, the holders of this identifier, found by an index."""
    own = select(TABLE.c.key).where(TABLE.c.kind == PERSON, TABLE.c.key == user).limit(1)
    if tx.execute(own.where(TABLE.c.sync == sync) if sync else own).scalar() is not None:
        return [user]
    return sorted({key for of, key in erasure.holders(tx, user) if not sync or of == sync})


def rows(tx: Connection, key: str, now: float, sync: str = "") -> list[PersonRow]:
    """Returns a user's rows.

    Args:
        tx: A transaction.
        key: The user's key.
        now: Unix seconds, by the store's clock.
        sync: The sync, by its name; "" for all.
    """
    found = select(TABLE).where(TABLE.c.kind == PERSON, TABLE.c.key == key).order_by(TABLE.c.sync)
    return [
        PersonRow(
            sync=row.sync,
            entity=entity_of(row, row.doubt),
            due_at=row.due_at,
            lane=row.lane,
            waits_for=row.waits_for,
            holder=_holder(tx, row.sync, row.waits_for),
            sending=row.leased_until is not None and row.leased_until >= now,
            attempts=row.attempts,
            updated_at=row.updated_at,
        )
        for row in tx.execute(found.where(TABLE.c.sync == sync) if sync else found)
    ]


def _holder(tx: Connection, sync: str, identifier: str | None) -> str | None:
    return identifier_holders.holders(tx, sync, [identifier]).get(identifier) if identifier else None


def latest_events(tx: Connection, sync: str, key: str, limit: int, *, pending: bool = False) -> list[EventSummary]:
    """Returns the latest events of a user: first those that are owed, then the others, each the latest accepted first.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        key: The user's key.
        limit: How many to return at most.
        pending: Only those that are owed, which an index finds.
    """
    table = events.TABLE
    mine = select(table).where(_events_of(sync, key, pending=pending))
    order = (table.c.state != PENDING, table.c.accepted_at.desc(), table.c.id.desc())
    return [
        EventSummary(
            row.id, _name(row.id, row.body), EVENT_STATES.get(row.state, "?"), row.occurred_at, row.accepted_at
        )
        for row in tx.execute(mine.order_by(*order).limit(limit))
    ]


def _events_of(sync: str, key: str, *, pending: bool) -> ColumnElement[bool]:
    mine = and_(events.TABLE.c.sync == sync, events.TABLE.c.key == key)
    return and_(mine, events.IS_PENDING) if pending else mine


def event_counts(tx: Connection, sync: str, key: str, *, pending: bool = False) -> dict[str, int]:
    """Returns how many events of a user there are, by their state.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        key: The user's key.
        pending: Only those that are owed, which an index finds.
    """
    table = events.TABLE
    counted = select(table.c.state, func.count()).where(_events_of(sync, key, pending=pending))
    found = {EVENT_STATES.get(state, "?"): int(count) for state, count in tx.execute(counted.group_by(table.c.state))}
    return {state: found[state] for state in EVENT_STATES.values() if state in found}


def _name(id: str, body: str | None) -> str:
    with suppress(encoding.CorruptError):
        return encoding.event_of(id, None, body).name if body else ""
    return "its row cannot be read"


def not_anothers(tx: Connection, sync: str, key: str, texts: Sequence[str]) -> list[str]:
    """Returns those identifiers that no other user of the sync holds.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        key: The user's key.
        texts: The identifiers, as `encoding.identifier_text` writes them.
    """
    held = identifier_holders.holders(tx, sync, texts)
    return [each for each in texts if held.get(each, key) == key]
