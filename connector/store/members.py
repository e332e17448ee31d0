"""Who is in an upstream segment, as far as upstream has said: read from the facts, some rows at a time."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from connector.model.change import Segment
from connector.store import encoding
from connector.store.entities import TABLE, of


class Page(NamedTuple):
    """Some rows of a sync. last: the key of the last one, None where there was none; members: those in the segment.

    Of a member, under which keys the segment is kept: one upstream may name it by an id, another by its name.
    """

    last: str | None
    members: dict[str, tuple[Segment, ...]]


def after(connection: Connection, sync: str, segment: str, key: str, limit: int) -> Page:
    """The members of `segment` (its id or its name) among the first `limit` users after `key`, in the order of keys."""
    rows = select(TABLE.c.key, TABLE.c.facts, TABLE.c.entered).where(of(sync), TABLE.c.key > key)
    last: str | None = None
    members: dict[str, tuple[Segment, ...]] = {}
    for row in connection.execute(rows.order_by(TABLE.c.key).limit(limit)):
        last = row.key
        held = _held(row.facts, segment, entered=row.entered)
        if held:
            members[row.key] = held
    return Page(last, members)


def _held(facts: str, segment: str, *, entered: bool) -> tuple[Segment, ...]:
    """Under which keys a user is in the segment. A null name says that the user left."""
    names = encoding.facts_of(facts, entered).segments.values
    return tuple(Segment(key, name) for key, name in names.items() if name is not None and segment in (key, name))
