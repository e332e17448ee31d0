"""Traces of a user beside their row: events, problems, the kept bodies of calls. Found without a lock, then erased."""

import gzip
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Connection, and_, delete, func, null, or_, select, update

from connector.store import name_search as mention
from connector.store import calls, events, problems
from connector.store.entities import parts
from connector.store.bulk_sql import among

_CALLS_AT_ONCE = 50
BySync = Mapping[str, list[str]]


class Erased(NamedTuple):
    """How many rows were erased.

    call_bodies: calls that stay as a count; handed_on: the keys of those who got an identifier of the user's.
    """

    people: int = 0
    events: int = 0
    identifiers: int = 0
    problems: int = 0
    call_bodies: int = 0
    handed_on: tuple[str, ...] = ()

    def plus(self, other: "Erased") -> "Erased":
        """Both together."""
        return Erased(
            self.people + other.people,
            self.events + other.events,
            self.identifiers + other.identifiers,
            self.problems + other.problems,
            self.call_bodies + other.call_bodies,
            self.handed_on + other.handed_on,
        )


@dataclass(frozen=True, slots=True)
class Traces:
    """Ids of rows that speak of a user, by sync; "" is what belongs to no sync."""

    events: BySync = field(default_factory=dict)
    problems: BySync = field(default_factory=dict)
    calls: BySync = field(default_factory=dict)

    def syncs(self) -> set[str]:
        """Where there are any."""
        return {*self.events, *self.problems, *self.calls}

    def count(self) -> int:
        """How many there are."""
        return sum(len(ids) for kind in (self.events, self.problems, self.calls) for ids in kind.values())


def find(connection: Connection, keys: Collection[str], names: Collection[str], sync: str = "") -> Traces:
    """What speaks of the user with one of these keys, by one of these names (lower case), in one sync or in all.

    Every event is looked at, and the body of every call that has kept one.
    """
    return Traces(
        _by_sync(_of_sync(_events(connection, keys), sync)),
        _by_sync(_of_sync(_problems(connection, keys, names), sync)),
        _by_sync(_of_sync(_calls(connection, names), sync)),
    )


def _by_sync(rows: Iterator[Any]) -> BySync:
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[row.sync].append(row.id)
    return dict(found)


def _of_sync(rows: Iterator[Any], sync: str) -> Iterator[Any]:
    return (row for row in rows if not sync or row.sync == sync)


def _events(connection: Connection, keys: Collection[str]) -> Iterator[Any]:
    yield from connection.execute(
        select(events.TABLE.c.sync, events.TABLE.c.id).where(among(connection, events.TABLE.c.key, list(keys)))
    )


def _problems(connection: Connection, keys: Collection[str], names: Collection[str]) -> Iterator[Any]:
    """Problems of the user, and those whose reason or payload speaks of them: a message that could not be read."""
    table = problems.TABLE
    maybe = or_(*(may_mention(column, names) for column in (table.c.subject, table.c.reason, table.c.payload)))
    for row in connection.execute(select(table).where(or_(among(connection, table.c.subject, list(keys)), maybe))):
        payload = row.payload is not None and mention.text_mentions(row.payload, names)
        if row.subject in keys or payload or mention.text_mentions(row.reason, names):
            yield row


def _calls(connection: Connection, names: Collection[str]) -> Iterator[Any]:
    """Calls that have kept something that speaks of the user, some at a time: a body may have half a megabyte."""
    table, last = calls.TABLE, ""
    kept = or_(table.c.request.is_not(None), table.c.reply.is_not(None), table.c.reason != "")
    while True:
        some = select(table.c.id, table.c.sync, table.c.request, table.c.reply, table.c.reason)
        rows = connection.execute(some.where(kept, table.c.id > last).order_by(table.c.id).limit(_CALLS_AT_ONCE)).all()
        if not rows:
            return
        yield from (row for row in rows if _speaks(row, names))
        last = rows[-1].id


def _speaks(row: Any, names: Collection[str]) -> bool:
    request = "" if row.request is None else gzip.decompress(row.request).decode(errors="replace")
    texts = (text for text in (request, row.reply or "", row.reason) if _may_speak(text, names))
    return any(mention.text_mentions(text, names) for text in texts)


def _may_speak(text: str, names: Collection[str]) -> bool:
    """Whether it is worth reading: most bodies do not have the name anywhere, and reading them costs most."""
    lower = text.lower()
    return any(name in lower or to_json(name).decode()[1:-1] in lower for name in names)


def may_mention(column: ColumnElement[str], names: Collection[str]) -> ColumnElement[bool]:
    """SQL: whether a text could hold one of these names, in whatever case and however JSON has escaped it.

    Only what no database and no encoding writes in two ways is compared; the caller looks closer.
    """
    patterns = (re.sub(r"[^A-Za-z0-9@.-]+", "%", name).lower() for name in names)
    return or_(*(func.lower(column).like(f"%{pattern}%") for pattern in patterns))


def erase(connection: Connection, sync: str, key: str, found: Traces) -> Erased:
    """Erases what was found in the sync, and what came since of this key. Calls stay as a count."""
    came = select(events.TABLE.c.id).where(_of_user(events.TABLE.c.key, sync, key), events.IS_PENDING)
    owed = {*found.events.get(sync, ()), *connection.execute(came).scalars()}
    told = select(problems.TABLE.c.id).where(_of_user(problems.TABLE.c.subject, sync, key))
    problem_ids = {*found.problems.get(sync, ()), *connection.execute(told).scalars()}
    return Erased(
        events=_delete(connection, events.TABLE, sync, owed),
        problems=_delete(connection, problems.TABLE, sync, problem_ids),
        call_bodies=_empty(connection, found.calls.get(sync, ())),
    )


def _of_user(column: Any, sync: str, key: str) -> ColumnElement[bool]:
    return and_(column.table.c.sync == sync, column == key)


def _delete(connection: Connection, table: Any, sync: str, ids: Collection[str]) -> int:
    statements = (delete(table).where(table.c.sync == sync, among(connection, table.c.id, part)) for part in parts(ids))
    return sum(connection.execute(statement).rowcount for statement in statements)


def _empty(connection: Connection, ids: Collection[str]) -> int:
    nothing = {"request": null(), "reply": null(), "reason": ""}
    mine = (among(connection, calls.TABLE.c.id, part) for part in parts(ids))
    return sum(connection.execute(update(calls.TABLE).where(each).values(nothing)).rowcount for each in mine)
