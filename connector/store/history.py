"""Keeps what happened to each person, and in which request they were: one statement for a batch.

Rows are only added, and dropped when they are old or their person is forgotten. Nothing is decided by them.
"""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select

from connector.model.history import SaidOf, SentFor, What
from connector.store.bulk_sql import FLOAT, INTEGER, TEXT, Rows, among, given
from connector.store.log_tables import HistoryRow
from connector.store.statements import RowsStatement

TABLE = HistoryRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


class HistoryEntry(NamedTuple):
    """One row of a person's history; `model.history` says what its numbers mean."""

    at: float
    what: int
    came_to: int | None
    detail: int | None
    how_many: int | None
    events: int | None
    item: int | None
    call: str | None


class CallPart(NamedTuple):
    """A person's part of a request: the request's id, and the answer, the sorts and the place as `SentFor` has them."""

    call: str
    answer: int | None
    sorts: int | None
    items: int | None
    first: int | None


class Wanted(NamedTuple):
    """A choice of entries: what happened, what it came to, and with which details; no details stand for any.

    several: only those of several messages.
    """

    what: int
    came_to: tuple[int, ...]
    details: tuple[int, ...] = ()
    several: bool = False


_ENTRY = tuple(TABLE.c["count" if name == "how_many" else name] for name in HistoryEntry._fields)


def add_said(tx: Connection, sync: str, said: Sequence[SaidOf], now: float) -> None:
    """Adds what a batch said of people.

    Args:
        tx: A transaction that writes.
        sync: The sync, by its name.
        said: What was said of each person.
        now: The store's time, in unix seconds.
    """
    if said:
        _adding_said(tx.dialect.name).run_with_commit(tx, said, sync=sync, now=now)


@cache
def _adding_said(database: str) -> RowsStatement:
    rows = Rows(database, {"key": TEXT, **dict.fromkeys(("came_to", "detail", "count", "events"), INTEGER)})
    same: dict[str, Any] = {"sync": given("sync"), "at": given("now", FLOAT), "what": int(What.SAID)}
    return rows.statement(rows.insertion(TABLE, **same))


def add_sent(tx: Connection, sync: str, sent: Sequence[SentFor], now: float) -> None:
    """Adds people's parts of requests, and the deletions that were held back.

    Args:
        tx: A transaction that writes.
        sync: The sync, by its name.
        sent: Each person's part of each request.
        now: The store's time, in unix seconds.
    """
    if sent:
        _adding_sent(tx.dialect.name).run_with_commit(tx, sent, sync=sync, now=now)


@cache
def _adding_sent(database: str) -> RowsStatement:
    numbers = dict.fromkeys(("what", "came_to", "detail", "count", "item"), INTEGER)
    rows = Rows(database, {"key": TEXT, **numbers, "call": TEXT})
    return rows.statement(rows.insertion(TABLE, sync=given("sync"), at=given("now", FLOAT)))


def of_person(tx: Connection, key: str, sync: str, limit: int) -> list[HistoryEntry]:
    """Returns what happened to a person in a sync, the latest first.

    Args:
        tx: A transaction.
        key: The person's key.
        sync: The sync, by its name.
        limit: How many rows to return at most.
    """
    found = select(*_ENTRY).where(TABLE.c.key == key, TABLE.c.sync == sync)
    return [HistoryEntry(*row) for row in tx.execute(found.order_by(TABLE.c.at.desc(), TABLE.c.id.desc()).limit(limit))]


def latest(
    tx: Connection, sync: str, wanted: Wanted, since: float, looked_at: int, limit: int
) -> list[tuple[str, float]]:
    """Returns the keys of people to whom something happened last, and when, the latest first.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        wanted: What happened.
        since: Since when, in unix seconds.
        looked_at: How many of the latest entries, of all people and syncs, are looked at.
        limit: How many people to return at most.
    """
    last = select(TABLE).order_by(TABLE.c.id.desc()).limit(looked_at).subquery()
    sought = (last.c.sync == sync) & (last.c.at >= since) & (last.c.what == wanted.what)
    sought &= last.c.came_to.in_(wanted.came_to)
    if wanted.details:
        sought &= last.c.detail.in_(wanted.details)
    if wanted.several:
        sought &= last.c.count > 1
    at = func.max(last.c.at)
    found = select(last.c.key, at).where(sought).group_by(last.c.key).order_by(at.desc(), last.c.key).limit(limit)
    return [(key, float(when)) for key, when in tx.execute(found)]


def parts_of(tx: Connection, key: str, calls: Collection[str]) -> list[CallPart]:
    """Returns the parts that a person had in these requests, in their order.

    Args:
        tx: A transaction.
        key: The person's key.
        calls: The requests' ids.
    """
    columns = (TABLE.c.call, TABLE.c.came_to, TABLE.c.detail, TABLE.c.count, TABLE.c.item)
    found = select(*columns).where(TABLE.c.key == key, among(tx, TABLE.c.call, list(calls)))
    return [CallPart(*row) for row in tx.execute(found.order_by(TABLE.c.call, TABLE.c.item))]


def erase(tx: Connection, sync: str, key: str) -> int:
    """Erases the history of a person in a sync. Returns how many rows there were."""
    return tx.execute(delete(TABLE).where(TABLE.c.key == key, TABLE.c.sync == sync)).rowcount


def syncs_of(tx: Connection, keys: Collection[str]) -> dict[str, list[str]]:
    """Returns the keys among these that have a history, by sync."""
    pairs = select(TABLE.c.sync, TABLE.c.key).where(among(tx, TABLE.c.key, list(keys))).distinct()
    found: dict[str, list[str]] = {}
    for sync, key in tx.execute(pairs):
        found.setdefault(sync, []).append(key)
    return found
