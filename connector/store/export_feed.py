"""Reads the rows that exports write, each once, in an order in which no later row comes before one that was read.

PostgreSQL gives out ids before it commits, so a row may become visible behind one with a higher id. What is read ends
at a place up to which every transaction has ended (`Horizon`). SQLite has one writer; there the order is that of time,
since an id that was erased may be given out again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Table, func, select, text, tuple_

from connector.model.entity import Profile
from connector.model.job import UNDER_WAY
from connector.store import encoding, exports, history, jobs, request_log
from connector.store.entities import PERSON
from connector.store.entities import TABLE as ENTITY
from connector.store.entities import of as of_kind

_HISTORY = history.TABLE
_XMAX = text("SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text)")
_ENDED = text("SELECT pg_snapshot_xmin(pg_current_snapshot()) >= CAST(CAST(:xmax AS text) AS xid8)")


RunKind = Literal["requests", "jobs", "sources"]


class Place(NamedTuple):
    """A cursor in a table whose rows are only added: a row's time (unix seconds) and id."""

    at: float = 0.0
    id: Any = 0


class Horizon(NamedTuple):
    """A place, and the id of a transaction before which all must end for it to be final; "" where it is final."""

    place: Place
    transactions: str = ""


class SentRow(NamedTuple):
    """A row of history, of whatever kind; the codes are those of `model.history`."""

    id: int
    sync: str
    key: str
    at: float
    what: int
    came_to: int | None
    detail: int | None
    how_many: int | None
    item: int | None
    call: str | None


class HeldPerson(NamedTuple):
    """A person whom Customer.io holds. updated_at: when upstream last said something of them, in unix seconds."""

    key: str
    profile: Profile
    updated_at: float


class _RunTable(NamedTuple):
    """The table of one kind of run, the column that it is ordered by, and the condition that selects its runs."""

    table: Table
    by: str
    which: Sequence[Any] = ()


_RUNS: Mapping[RunKind, _RunTable] = {
    "requests": _RunTable(request_log.TABLE, "at"),
    "jobs": _RunTable(jobs.TABLE, "updated_at", (jobs.TABLE.c.state.not_in(UNDER_WAY),)),
    "sources": _RunTable(exports.SOURCE_RUN, "ended_at"),
}
_SENT = tuple(_HISTORY.c["count" if name == "how_many" else name] for name in SentRow._fields)


def horizon(tx: Connection, after: Place, now: float) -> Horizon:
    """Returns the end of the history at `now` (unix seconds), or `after` where that is further."""
    if tx.dialect.name == "sqlite":
        last = select(_HISTORY.c.at, _HISTORY.c.id).order_by(_HISTORY.c.at.desc(), _HISTORY.c.id.desc()).limit(1)
        row = tx.execute(last).one_or_none()
        return Horizon(after if row is None else max(after, Place(*row)))
    last_id = tx.execute(select(func.max(_HISTORY.c.id))).scalar() or 0
    return Horizon(Place(now, max(last_id, after.id)), str(tx.execute(_XMAX).scalar_one()))


def is_final(tx: Connection, found: Horizon) -> bool:
    """Says whether all transactions that were under way at the horizon have ended: no row will come before it."""
    return not found.transactions or bool(tx.execute(_ENDED, {"xmax": found.transactions}).scalar_one())


def history_after(tx: Connection, place: Place, end: Place, limit: int) -> list[SentRow]:
    """Returns the next rows of the history.

    Args:
        tx: A transaction.
        place: The place to begin behind.
        end: The last place.
        limit: The most to return.
    """
    found = select(*_SENT)
    if tx.dialect.name == "sqlite":
        by = tuple_(_HISTORY.c.at, _HISTORY.c.id)
        found = found.where(by > tuple_(place.at, place.id), by <= tuple_(end.at, end.id))
        found = found.order_by(_HISTORY.c.at, _HISTORY.c.id)
    else:
        found = found.where(_HISTORY.c.id > place.id, _HISTORY.c.id <= end.id).order_by(_HISTORY.c.id)
    return [SentRow(*row) for row in tx.execute(found.limit(limit))]


def held(tx: Connection, sync: str, key: str, limit: int) -> tuple[list[HeldPerson], str | None]:
    """Reads the next people of a sync in the order of their keys.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        key: The key to begin behind; "" for the first.
        limit: How many rows are looked at.

    Returns:
        Those of them whom Customer.io holds, and the last key that was looked at; None where there was none.
    """
    columns = (ENTITY.c.key, ENTITY.c.delivered, ENTITY.c.updated_at)
    mine = select(*columns).where(of_kind(sync, PERSON), ENTITY.c.delivered.is_not(None), ENTITY.c.key > key)
    rows = list(tx.execute(mine.order_by(ENTITY.c.key).limit(limit)))
    people = [HeldPerson(row.key, profile, row.updated_at) for row in rows if (profile := _held(row.delivered))]
    return people, rows[-1].key if rows else None


def _held(delivered: str) -> Profile | None:
    try:
        profile = encoding.person_of(delivered)
    except encoding.CorruptError:  # a problem of its own (`connector problems`); it must not end the export
        return None
    return None if profile is None or profile.suppressed else profile


def runs_after(tx: Connection, kind: RunKind, place: Place, before: float, limit: int) -> Sequence[Any]:
    """Returns the next runs of a kind, in the order of their times.

    Args:
        tx: A transaction.
        kind: Requests, jobs that came to their end, or runs of sources.
        place: The place to begin behind.
        before: Only those that were sent, or had ended, before this time, in unix seconds.
        limit: The most to return.

    Returns:
        The rows, with all columns but bodies.
    """
    table, named, which = _RUNS[kind]
    columns = [column for column in table.c if column.name not in ("request", "reply")]
    at, id = table.c[named], table.c.id
    behind = (at > place.at) | ((at == place.at) & (id > place.id)) if place.at else at > place.at
    found = select(*columns).where(at >= place.at, behind, at < before, *which).order_by(at, id).limit(limit)
    return tx.execute(found).all()


def place_of(kind: RunKind, row: Any) -> Place:
    """Returns the place of a row that `runs_after` has read."""
    return Place(getattr(row, _RUNS[kind].by), row.id)
