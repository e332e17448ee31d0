"""Reads the log of requests page by page, the latest first, and who was in a request: each statement within a bound."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, null, select

from connector.model import event_id
from connector.model.history import What
from connector.store import history, postgres
from connector.store.bulk_sql import among
from connector.store.request_log import TABLE, Logged, logged_of
from connector.store.statements import SQLITE

_COLUMNS = (
    *(column for column in TABLE.c if column.name not in ("request", "reply")),
    null().label("request"),
    null().label("reply"),
)
_BEFORE_SECONDS, _AFTER_SECONDS = 5.0, 30.0
"""The time before and after a request within which its people's parts of it were written, by the store's clock."""


@dataclass(frozen=True, slots=True)
class WantedCalls:
    """A choice of requests: "" and None for any. failed: those that were not taken whole.

    status: 0 where nothing came back; since, until: unix seconds.
    """

    connection: str = ""
    sync: str = ""
    verdict: str = ""
    failed: bool = False
    status: int | None = None
    since: float | None = None
    until: float | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yields the conditions that a row must satisfy, except those of time."""
        for column, wanted in ((TABLE.c.connection, self.connection), (TABLE.c.sync, self.sync)):
            if wanted:
                yield column == wanted
        if self.verdict:
            yield TABLE.c.verdict == self.verdict
        if self.failed:
            yield TABLE.c.verdict != "settled"
        if self.status is not None:
            yield TABLE.c.status == self.status

    def ids(self) -> Iterator[ColumnElement[bool]]:
        """Yields the conditions of time, which are conditions of the id: ids sort by the time of the request."""
        if self.since is not None:
            yield TABLE.c.id >= event_id.encode(_milliseconds(self.since), bytes(10))
        if self.until is not None:
            yield TABLE.c.id < event_id.encode(_milliseconds(self.until), bytes(10))


class CallChunk(NamedTuple):
    """The requests that were found among some; last: the id of the last one that was looked at, "" for the end."""

    found: list[Logged]
    last: str


class PersonInCall(NamedTuple):
    """A person's part of a request, as `SentFor` has it: whose it is, the answer, the sorts and the place."""

    sync: str
    key: str
    answer: int | None
    sorts: int | None
    items: int | None
    first: int | None


def _milliseconds(at: float) -> int:
    return max(0, int(at * 1000))


def chunk(tx: Connection, wanted: WantedCalls, before: str, limit: int, looked_at: int) -> CallChunk:
    """Returns the next requests that are meant, the latest first, without bodies.

    Args:
        tx: A transaction.
        wanted: Which are meant.
        before: Only those before this id; "" for the latest.
        limit: How many to return at most.
        looked_at: How many of the log are looked at, at most.
    """
    # No id is made up that would sort behind all others: how texts sort is up to the database.
    bounds = (*([TABLE.c.id < before] if before else []), *wanted.ids())
    ids = select(TABLE.c.id).where(*bounds).order_by(TABLE.c.id.desc())
    end = tx.execute(ids.offset(looked_at - 1).limit(1)).scalar()
    here = bounds if end is None else (*bounds, TABLE.c.id >= end)
    mine = select(*_COLUMNS).where(*here, *wanted.conditions()).order_by(TABLE.c.id.desc()).limit(limit)
    found = [logged_of(row) for row in tx.execute(mine)]
    return CallChunk(found, found[-1].id if len(found) == limit else end or "")


def of_person(tx: Connection, key: str, wanted: WantedCalls, before: str, limit: int) -> list[Logged]:
    """Returns the requests that a person was in, the latest first, without bodies.

    Args:
        tx: A transaction.
        key: The person's key.
        wanted: Which of them are meant.
        before: Only those before this id; "" for the latest.
        limit: How many to return at most.
    """
    theirs = select(history.TABLE.c.call).where(history.TABLE.c.key == key, history.TABLE.c.call.is_not(None))
    if wanted.sync:
        theirs = theirs.where(history.TABLE.c.sync == wanted.sync)
    ids = sorted({*tx.execute(theirs.distinct()).scalars()}, reverse=True)
    behind = [each for each in ids if not before or each < before]
    if not behind:
        return []
    which = (among(tx, TABLE.c.id, behind), *wanted.ids(), *wanted.conditions())
    found = select(*_COLUMNS).where(*which).order_by(TABLE.c.id.desc()).limit(limit)
    return [logged_of(row) for row in tx.execute(found)]


def one(tx: Connection, id: str) -> Logged | None:
    """Returns a request with the bodies that are kept, by its whole id; None where it is not there."""
    row = tx.execute(select(TABLE).where(TABLE.c.id == id)).one_or_none()
    return None if row is None else logged_of(row)


def people(tx: Connection, call: Logged, limit: int) -> list[PersonInCall]:
    """Returns who was in a request, by the place of their items, as far as the history of people is kept.

    Args:
        tx: A transaction.
        call: The request.
        limit: How many parts to return at most.
    """
    table, at = history.TABLE, call.call.at
    if tx.dialect.name != SQLITE:
        postgres.allow_block_ranges(tx)
    about_then = table.c.at.between(at - _BEFORE_SECONDS, at + call.call.milliseconds / 1000 + _AFTER_SECONDS)
    columns = (table.c.sync, table.c.key, table.c.came_to, table.c.detail, table.c.count, table.c.item)
    found = select(*columns).where(about_then, table.c.call == call.id).order_by(table.c.item).limit(limit)
    return [PersonInCall(*row) for row in tx.execute(found)]


def last_said(tx: Connection, sync: str, keys: Collection[str], until: float) -> dict[str, float]:
    """Returns when upstream last said something of people up to a time, by key, in unix seconds.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        keys: The people's keys.
        until: Unix seconds.
    """
    table = history.TABLE
    theirs = (among(tx, table.c.key, keys), table.c.sync == sync, table.c.what == int(What.SAID), table.c.at <= until)
    latest = select(table.c.key, func.max(table.c.at)).where(*theirs).group_by(table.c.key)
    return {str(key): float(at) for key, at in tx.execute(latest)}
