"""Finds traces of a user beside their row: events, problems, kept bodies of requests. Found unlocked, then erased.

What Customer.io has reported of them belongs to no sync, and is found and erased by itself.
"""

import gzip
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Connection, and_, delete, null, or_, select, update

from connector.store import events, history, name_search, problems, profiles, request_log, trace_contexts, webhooks
from connector.store.bulk_sql import among
from connector.store.engine import Store
from connector.store.entities import parts
from connector.store.request_log import Logged

_CALLS_AT_ONCE = 50
_READ_AT_ONCE = 10
BySync = Mapping[str, list[str]]


class Erased(NamedTuple):
    """The numbers of rows that were erased.

    call_bodies: calls that stay as a count; webhooks: those that stay as an id; handed_on: the keys of those who got an
    identifier of the user's.
    """

    people: int = 0
    events: int = 0
    identifiers: int = 0
    problems: int = 0
    call_bodies: int = 0
    webhooks: int = 0
    profiles: int = 0
    history: int = 0
    handed_on: tuple[str, ...] = ()

    def plus(self, other: "Erased") -> "Erased":
        """Returns the sum of both."""
        return Erased(
            self.people + other.people,
            self.events + other.events,
            self.identifiers + other.identifiers,
            self.problems + other.problems,
            self.call_bodies + other.call_bodies,
            self.webhooks + other.webhooks,
            self.profiles + other.profiles,
            self.history + other.history,
            self.handed_on + other.handed_on,
        )


@dataclass(frozen=True, slots=True)
class Traces:
    """The ids of rows that mention a user, by sync. Rows that belong to no sync are under "".

    history: not its ids but the user's keys, since it is many rows.
    """

    events: BySync = field(default_factory=dict)
    problems: BySync = field(default_factory=dict)
    calls: BySync = field(default_factory=dict)
    history: BySync = field(default_factory=dict)

    def syncs(self) -> set[str]:
        """Returns the syncs that have traces."""
        return {*self.events, *self.problems, *self.calls, *self.history}

    def count(self) -> int:
        """Returns how many ids there are, of `history` how many keys."""
        kinds = (self.events, self.problems, self.calls, self.history)
        return sum(len(ids) for kind in kinds for ids in kind.values())


def find(tx: Connection, keys: Collection[str], names: Collection[str], sync: str = "") -> Traces:
    """Returns what mentions a user. It looks at every event and problem, and at every request that has kept a body.

    Args:
        tx: A transaction.
        keys: The keys that the user may have.
        names: Names of the user, in lower case.
        sync: Only in this sync; "" for all.
    """
    return Traces(
        _by_sync(_of_sync(_events(tx, keys), sync)),
        _by_sync(_of_sync(_problems(tx, keys, names), sync)),
        _by_sync(_of_sync(_calls(tx, names), sync)),
        {of: found for of, found in history.syncs_of(tx, keys).items() if sync in ("", of)},
    )


def _by_sync(rows: Iterator[Any]) -> BySync:
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[row.sync].append(row.id)
    return dict(found)


def _of_sync(rows: Iterator[Any], sync: str) -> Iterator[Any]:
    return (row for row in rows if not sync or row.sync == sync)


def _events(tx: Connection, keys: Collection[str]) -> Iterator[Any]:
    yield from tx.execute(
        select(events.TABLE.c.sync, events.TABLE.c.id).where(among(tx, events.TABLE.c.key, list(keys)))
    )


def _problems(tx: Connection, keys: Collection[str], names: Collection[str]) -> Iterator[Any]:
    """Yields problems of the user, and those whose reason or payload mentions them, such as unreadable messages."""
    table = problems.TABLE
    maybe = or_(
        *(name_search.may_mention(column, names) for column in (table.c.subject, table.c.reason, table.c.payload))
    )
    for row in tx.execute(select(table).where(or_(among(tx, table.c.subject, list(keys)), maybe))):
        payload = row.payload is not None and name_search.text_mentions(row.payload, names)
        if row.subject in keys or payload or name_search.text_mentions(row.reason, names):
            yield row


def _calls(tx: Connection, names: Collection[str]) -> Iterator[Any]:
    """Yields requests with a kept body or reason that mentions the user; reads in parts: a body may have 500 kB."""
    table, last = request_log.TABLE, ""
    kept = or_(table.c.request.is_not(None), table.c.reply.is_not(None), table.c.reason != "")
    while True:
        some = select(table.c.id, table.c.sync, table.c.request, table.c.reply, table.c.reason)
        rows = tx.execute(some.where(kept, table.c.id > last).order_by(table.c.id).limit(_CALLS_AT_ONCE)).all()
        if not rows:
            return
        yield from (row for row in rows if _speaks(row, names))
        last = rows[-1].id


def calls_about(tx: Connection, sync: str, names: Collection[str], latest: int) -> list[Logged]:
    """Returns the requests of a sync that mention a user, the latest first, without their bodies.

    Nothing else ties a request to its people, so only the latest ones are looked at, of those that kept a body.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        names: Names of the user, in lower case.
        latest: How many requests are looked at.
    """
    table = request_log.TABLE
    kept = or_(table.c.request.is_not(None), table.c.reply.is_not(None))
    some = select(table).where(table.c.sync == sync, kept).order_by(table.c.id.desc()).limit(latest)
    rows = tx.execute(some.execution_options(yield_per=_READ_AT_ONCE))
    found = (request_log.logged_of(row) for row in rows if _speaks(row, names))
    return [replace(each, call=replace(each.call, request=None, reply=None)) for each in found]


def _speaks(row: Any, names: Collection[str]) -> bool:
    request = "" if row.request is None else gzip.decompress(row.request).decode(errors="replace")
    texts = (text for text in (request, row.reply or "", row.reason) if _may_speak(text, names))
    return any(name_search.text_mentions(text, names) for text in texts)


def _may_speak(text: str, names: Collection[str]) -> bool:
    """Says whether a body is worth decoding: most do not have the name anywhere, and decoding costs most."""
    lower = text.lower()
    return any(name in lower or to_json(name).decode()[1:-1] in lower for name in names)


def erase(tx: Connection, sync: str, key: str, found: Traces) -> Erased:
    """Erases what was found in the sync, and what has come since for this key. Requests stay, without their bodies.

    Args:
        tx: A transaction that writes.
        sync: The sync, by its name.
        key: The user's key.
        found: What `find` found.

    Returns:
        How much was erased.
    """
    came = select(events.TABLE.c.id).where(_of_user(events.TABLE.c.key, sync, key), events.IS_PENDING)
    owed = {*found.events.get(sync, ()), *tx.execute(came).scalars()}
    told = select(problems.TABLE.c.id).where(_of_user(problems.TABLE.c.subject, sync, key))
    problem_ids = {*found.problems.get(sync, ()), *tx.execute(told).scalars()}
    trace_contexts.erase(tx, sync, key)
    return Erased(
        events=_delete(tx, events.TABLE, sync, owed),
        problems=_delete(tx, problems.TABLE, sync, problem_ids),
        call_bodies=_empty(tx, found.calls.get(sync, ())),
        history=history.erase(tx, sync, key),
    )


def is_reported(tx: Connection, names: Collection[str]) -> bool:
    """Says whether a webhook or a profile of any workspace mentions a user by one of these names, in lower case."""
    return bool(webhooks.mentioning(tx, names) or profiles.mentioning(tx, names))


def erase_reported(store: Store, names: Collection[str]) -> Erased:
    """Erases what Customer.io has reported of a user, by any of their names, in lower case. Raises StoreError.

    The webhooks are erased first, so that none of them is folded from then on. The profiles are looked for only once
    that is committed: a transaction that folded one of the webhooks meanwhile has committed before.
    """
    with store.reading(patient=True) as tx:
        ids = webhooks.mentioning(tx, names)
    with store.writing(patient=True) as tx:
        emptied = sum(webhooks.erase(tx, part) for part in parts(ids))
    with store.reading(patient=True) as tx:
        keys = profiles.mentioning(tx, names)
    with store.writing(patient=True) as tx:
        return Erased(webhooks=emptied, profiles=sum(profiles.erase(tx, part) for part in parts(keys)))


def _of_user(column: Any, sync: str, key: str) -> ColumnElement[bool]:
    return and_(column.table.c.sync == sync, column == key)


def _delete(tx: Connection, table: Any, sync: str, ids: Collection[str]) -> int:
    statements = (delete(table).where(table.c.sync == sync, among(tx, table.c.id, part)) for part in parts(ids))
    return sum(tx.execute(statement).rowcount for statement in statements)


def _empty(tx: Connection, ids: Collection[str]) -> int:
    nothing = {"request": null(), "reply": null(), "reason": ""}
    mine = (among(tx, request_log.TABLE.c.id, part) for part in parts(ids))
    return sum(tx.execute(update(request_log.TABLE).where(each).values(nothing)).rowcount for each in mine)
