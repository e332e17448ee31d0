"""Keeps the log of requests to Customer.io. Its ids sort by time."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from secrets import token_bytes
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, null, select

from connector.customerio.request_log import Call
from connector.model import event_id
from connector.model.bounds import whole_characters
from connector.store.bulk_sql import among, given
from connector.store.log_tables import HistoryRow
from connector.store.statements import Statement
from connector.store.tables import CallRow

TABLE = CallRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
HISTORY = HistoryRow.__table__  # type: ignore[attr-defined]  # as above
_COLUMNS = tuple(column.name for column in TABLE.c if column.name != "id")
_SUMMARY = tuple(column for column in TABLE.c if column.name not in ("request", "reply"))


@dataclass(frozen=True, slots=True)
class Logged:
    """A request as it is kept."""

    id: str
    call: Call


@dataclass(frozen=True, slots=True)
class CallFilter:
    """A choice of requests.

    workspace, sync: the names of a connection and of a sync, "" for all. failed: those that failed only. status: the
    status that was answered, 0 where nothing came back; None for any. since: when they were sent at the earliest, in
    unix seconds.
    """

    workspace: str = ""
    sync: str = ""
    failed: bool = False
    status: int | None = None
    since: float = 0.0

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yields the conditions that the rows must satisfy."""
        if self.workspace:
            yield TABLE.c.connection == self.workspace
        if self.sync:
            yield TABLE.c.sync == self.sync
        if self.failed:
            yield TABLE.c.verdict != "settled"
        if self.status is not None:
            yield TABLE.c.status == self.status
        if self.since:
            yield TABLE.c.at >= self.since


ANY = CallFilter()


def add(tx: Connection, calls: Sequence[Call]) -> list[str]:
    """Adds requests to the log. Returns their ids, in the same order."""
    adding = _adding(tx.dialect.name)
    ids = [event_id.encode(int(call.at * 1000), token_bytes(10)) for call in calls]
    for id, call in zip(ids, calls, strict=True):
        adding.run_with_commit(tx, id=id, **_storable(call))
    return ids


def _storable(call: Call) -> dict[str, Any]:
    """Returns the columns of a request. A reply may hold characters that no store keeps, so they are replaced."""
    reply = None if call.reply is None else whole_characters(call.reply)
    columns = {name: getattr(call, name) for name in _COLUMNS}
    return {**columns, "reply": reply, "reason": whole_characters(call.reason)}


@cache
def _adding(database: str) -> Statement:
    types = {name: TABLE.c[name].type for name in ("id", *_COLUMNS)}
    return Statement(database, insert(TABLE).values({name: given(name, type) for name, type in types.items()}))


def find(
    tx: Connection, which: CallFilter = ANY, limit: int = 100, person: str = "", *, replies: bool = False
) -> list[Logged]:
    """Returns logged requests, the latest first, without the bodies that were sent.

    Args:
        tx: a transaction.
        which: which requests are meant.
        limit: how many to return at most.
        person: the key of a person who was in them; "" for anybody.
        replies: whether what was answered comes with them, where it is kept.

    Returns:
        The requests to which all of this applies.
    """
    columns = (*_SUMMARY, null().label("request"), TABLE.c.reply if replies else null().label("reply"))
    found = select(*columns).order_by(TABLE.c.at.desc(), TABLE.c.id.desc())
    if person:
        found = found.where(TABLE.c.id.in_(select(HISTORY.c.call).where(HISTORY.c.key == person)))
    return [logged_of(row) for row in tx.execute(found.where(*which.conditions()).limit(limit))]


def of_ids(tx: Connection, ids: Collection[str]) -> list[Logged]:
    """Returns requests by their ids, the latest first, without the bodies that were sent."""
    columns = (*_SUMMARY, null().label("request"), TABLE.c.reply)
    found = select(*columns).where(among(tx, TABLE.c.id, list(ids))).order_by(TABLE.c.id.desc())
    return [logged_of(row) for row in tx.execute(found)] if ids else []


def last_success(tx: Connection, workspace: str) -> float | None:
    """Returns when the last request that Customer.io took whole was sent to a connection, in unix seconds; or None."""
    taken = (TABLE.c.connection == workspace) & (TABLE.c.verdict == "settled")
    found = tx.execute(select(TABLE.c.at).where(taken).order_by(TABLE.c.at.desc()).limit(1)).scalar()
    return None if found is None else float(found)


def beginning_with(tx: Connection, id: str, limit: int) -> list[Logged]:
    """Returns the requests whose id begins with `id`, at most `limit`, with the bodies that are kept."""
    mine = TABLE.c.id.startswith(id.upper(), autoescape=True)
    return [logged_of(row) for row in tx.execute(select(TABLE).where(mine).order_by(TABLE.c.id).limit(limit))]


def logged_of(row: Any) -> Logged:
    """Returns the request that a row of the table holds, with the bodies that are kept."""
    columns = row._asdict()
    return Logged(columns.pop("id"), Call(**columns))
