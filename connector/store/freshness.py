"""Finds who is due the longest, by one look at the index of those who are due: how many there are makes no difference.

People whose requests failed alone have their time of the next try in `due_at`; since when they wait is `updated_at`.
"""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, literal_column, select, union_all

from connector.model.entity import EntityKind
from connector.store.claims import FAILS_ALONE
from connector.store.entities import OBJECT, PERSON, TABLE, of
from connector.store.tables import ADMITTED, EXIT, LIVE

_LIVE_LANES = (LIVE, ADMITTED, EXIT)
_COLUMNS = (TABLE.c.facts, TABLE.c.delivered, TABLE.c.memberships, TABLE.c.entered)
ROWS_LOOKED_AT = 1000
"""The number of those due the longest, in each lane, among whom the members of a segment are sought."""


class DueRow(NamedTuple):
    """Somebody who is due. since: unix seconds."""

    since: float
    lane: int
    facts: str
    delivered: str | None
    memberships: str | None
    entered: bool

    @property
    def leaves(self) -> bool:
        """Says whether they are due to leave: to be deleted, or cleared."""
        return self.lane != LIVE


class DueRows(NamedTuple):
    """Those of a sync who are due the longest. complete_until: all others wait since then or later, in unix seconds."""

    rows: tuple[DueRow, ...]
    complete_until: float | None


def oldest(tx: Connection, sync: str) -> float | None:
    """Returns since when the person or object due the longest waits, in unix seconds, bulk loads left out; or None."""
    kinds: tuple[EntityKind, ...] = (PERSON, OBJECT)
    firsts = [_first(_due(sync, kind, lane), 1, TABLE.c.due_at) for kind in kinds for lane in _LIVE_LANES]
    alone = [select(func.min(TABLE.c.updated_at)).where(_alone(sync, kind)) for kind in kinds]
    waits = union_all(*firsts, *alone).subquery()
    found = tx.execute(select(func.min(waits.c[0]))).scalar()
    return None if found is None else float(found)


def longest_due(tx: Connection, sync: str, limit: int = ROWS_LOOKED_AT) -> DueRows:
    """Returns the people who are due the longest, at most `limit` a lane, bulk loads aside.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        limit: How many to look at in each lane.
    """
    lanes = [_first(_due(sync, PERSON, lane) & ~FAILS_ALONE, limit, TABLE.c.due_at) for lane in _LIVE_LANES]
    queries = [*lanes, _first(_alone(sync, PERSON), limit, TABLE.c.updated_at)]
    parts = [[DueRow(*row) for row in tx.execute(query)] for query in queries]
    ends = [part[-1].since for part in parts if len(part) == limit]
    return DueRows(tuple(each for part in parts for each in part), min(ends, default=None))


def _first(where: ColumnElement[bool], limit: int, since: ColumnElement[Any]) -> Any:
    found = select(since.label("since"), TABLE.c.lane, *_COLUMNS) if limit > 1 else select(since.label("since"))
    return select(*found.where(where).order_by(since).limit(limit).subquery().c)


def _due(sync: str, kind: EntityKind, lane: int) -> ColumnElement[bool]:
    """Returns the condition of who is due in a lane, which is not bound: only then is the partial index used."""
    return and_(of(sync, kind), TABLE.c.lane == literal_column(str(lane)), TABLE.c.due_at.is_not(None))


def _alone(sync: str, kind: EntityKind) -> ColumnElement[bool]:
    live = TABLE.c.lane.in_([literal_column(str(lane)) for lane in _LIVE_LANES])
    return and_(of(sync, kind), FAILS_ALONE, TABLE.c.due_at.is_not(None), live)
