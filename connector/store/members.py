"""Finds the members of an upstream segment, by the facts, some rows at a time."""

from typing import NamedTuple

from pydantic_core import to_json
from sqlalchemy import Connection, select

from connector.model.change import Segment
from connector.store import encoding
from connector.store.entities import TABLE, of


class MemberPage(NamedTuple):
    """Some rows of a sync. last: the key of the last row, None if there was none. members: those in the segment.

    Each member has the keys under which the segment is kept: one upstream may name it by an id, another by its name.
    """

    last: str | None
    members: dict[str, tuple[Segment, ...]]


def after(tx: Connection, sync: str, segment: str, key: str, limit: int) -> MemberPage:
    """Returns the members of a segment among the next users, in the order of keys.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        segment: The segment's id or its name.
        key: The key to begin behind; "" for the first.
        limit: How many users to look at.
    """
    rows = select(TABLE.c.key, TABLE.c.facts, TABLE.c.entered).where(of(sync), TABLE.c.key > key)
    last: str | None = None
    members: dict[str, tuple[Segment, ...]] = {}
    for row in tx.execute(rows.order_by(TABLE.c.key).limit(limit)):
        last = row.key
        held = _held(row.facts, segment, entered=row.entered)
        if held:
            members[row.key] = held
    return MemberPage(last, members)


def any_in(tx: Connection, segment: str) -> bool:
    """Says whether the facts of anybody, in any sync, name the segment. It looks through all facts: ask rarely."""
    named = TABLE.c.facts.contains(to_json(segment).decode(), autoescape=True)
    return tx.execute(select(TABLE.c.key).where(named).limit(1)).first() is not None


def _held(facts: str, segment: str, *, entered: bool) -> tuple[Segment, ...]:
    """Returns the keys under which a user is in the segment. A null name says that the user left."""
    try:
        names = encoding.facts_of(facts, entered).segments.values
    except encoding.CorruptError:
        return ()  # set aside by delivery, with a problem
    return tuple(Segment(key, name) for key, name in names.items() if name is not None and segment in (key, name))
