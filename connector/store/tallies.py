"""Counts outcomes, in the transaction that causes them: in all, and by the minute.

Every transaction counts. If all counted in one row they would wait for one another's commits, so each takes one of some
slots, and a reader adds them up. What is counted belongs to a scope: a sync by its name, "" for what concerns no
single sync, `way` for how people of a sync come to Customer.io, `funnel` and `segments` for what its
messages came to, `requests` for the requests to a connection.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from secrets import randbelow
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select, tuple_

from connector.store.bulk_sql import INTEGER, TEXT, Rows, given
from connector.store.statements import SQLITE, RowsStatement
from connector.store.tables import MinuteRow, TallyRow

TALLY = TallyRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
MINUTE = MinuteRow.__table__  # type: ignore[attr-defined]  # as above
MINUTE_SECONDS = 60
MESSAGES = "messages"
"""The name under which the messages of upstream are counted, readable or not, for no single sync."""
_SLOTS = 16


class MinuteCount(NamedTuple):
    """The tally of an outcome within one minute (unix time // 60)."""

    scope: str
    name: str
    minute: int
    number: int


def way(sync: str) -> str:
    """Returns the scope of the outcomes of people of a sync: due, delivered, refused, and how long it took."""
    return f"way:{sync}"


def funnel(sync: str) -> str:
    """Returns the scope of the outcomes of the messages for a sync: each is counted under one step."""
    return f"funnel:{sync}"


def segments(sync: str) -> str:
    """Returns the scope of the entries to, and exits from, the segments that the settings of a sync name."""
    return f"segments:{sync}"


def requests(connection: str) -> str:
    """Returns the scope of the requests to a connection: their outcomes, and how long they took."""
    return f"requests:{connection}"


def tally(tx: Connection, counts: Mapping[str, Mapping[str, int]], now: float) -> None:
    """Adds to the tallies, and to those of the minute.

    Args:
        tx: A transaction that writes.
        counts: How many to add, by scope and name.
        now: The store's time, in unix seconds.
    """
    counted = [
        (scope, name, count)
        for scope, names in sorted(counts.items())
        for name, count in sorted(names.items())
        if count
    ]
    if counted:
        slot = randbelow(_SLOTS)
        _counting(tx.dialect.name).run_with_commit(tx, counted, slot=slot)
        slot = 0 if tx.dialect.name == SQLITE else slot  # which has one writer at a time, so that nobody waits
        _counting_minute(tx.dialect.name).run_with_commit(tx, counted, slot=slot, minute=int(now // MINUTE_SECONDS))


@cache
def _counting(database: str) -> RowsStatement:
    rows = Rows(database, {"sync": TEXT, "name": TEXT, "count": INTEGER})
    statement = rows.insertion(TALLY, slot=given("slot", INTEGER))
    more = TALLY.c.count + statement.excluded["count"]
    again = statement.on_conflict_do_update(index_elements=["sync", "name", "slot"], set_={"count": more})
    return rows.statement(again)


@cache
def _counting_minute(database: str) -> RowsStatement:
    rows = Rows(database, {"scope": TEXT, "name": TEXT, "count": INTEGER})
    statement = rows.insertion(MINUTE, slot=given("slot", INTEGER), minute=given("minute", INTEGER))
    more = MINUTE.c.count + statement.excluded["count"]
    keys = ["minute", "scope", "name", "slot"]
    return rows.statement(statement.on_conflict_do_update(index_elements=keys, set_={"count": more}))


def tallies(tx: Connection, scope: str) -> dict[str, int]:
    """Returns the tallies of a sync, or another scope, by name."""
    found = select(TALLY.c.name, func.sum(TALLY.c.count)).where(TALLY.c.sync == scope)
    by_name = found.group_by(TALLY.c.name).order_by(TALLY.c.name)
    return {str(row[0]): int(row[1]) for row in tx.execute(by_name)}


def all_tallies(tx: Connection) -> dict[str, dict[str, int]]:
    """Returns all tallies, by scope and name."""
    found = select(TALLY.c.sync, TALLY.c.name, func.sum(TALLY.c.count)).group_by(TALLY.c.sync, TALLY.c.name)
    return _by_scope((scope, name, int(count)) for scope, name, count in tx.execute(found))


def since(tx: Connection, minute: int) -> dict[str, dict[str, int]]:
    """Returns what was counted in a minute (unix time // 60) and after it, by scope and name."""
    found = select(MINUTE.c.scope, MINUTE.c.name, func.sum(MINUTE.c.count)).where(MINUTE.c.minute >= minute)
    rows = tx.execute(found.group_by(MINUTE.c.scope, MINUTE.c.name))
    return _by_scope((scope, name, int(count)) for scope, name, count in rows)


def minutes(tx: Connection, scopes: Collection[str], names: Collection[str], minute: int) -> list[MinuteCount]:
    """Returns what was counted, minute by minute.

    Args:
        tx: A transaction.
        scopes: The scopes.
        names: The names.
        minute: The first minute (unix time // 60).
    """
    found = select(MINUTE.c.scope, MINUTE.c.name, MINUTE.c.minute, func.sum(MINUTE.c.count))
    wanted = (MINUTE.c.minute >= minute) & MINUTE.c.scope.in_(scopes) & MINUTE.c.name.in_(names)
    rows = tx.execute(found.where(wanted).group_by(MINUTE.c.scope, MINUTE.c.name, MINUTE.c.minute))
    return [MinuteCount(scope, name, at, int(count)) for scope, name, at, count in rows]


def _by_scope(rows: Iterable[tuple[str, str, int]]) -> dict[str, dict[str, int]]:
    scopes: dict[str, dict[str, int]] = {}
    for scope, name, count in rows:
        scopes.setdefault(scope, {})[name] = count
    return scopes


def join_slots(tx: Connection, before: float, limit: int) -> int:
    """Adds up the slots of minutes that ended before `before` (unix seconds), at most `limit` rows, into one per name.

    Returns how many rows it added up.
    """
    over = (MINUTE.c.minute < int(before // MINUTE_SECONDS)) & (MINUTE.c.slot > 0)
    keys = (MINUTE.c.minute, MINUTE.c.scope, MINUTE.c.name, MINUTE.c.slot)
    chosen = select(*keys).where(over).limit(limit).with_for_update(skip_locked=True).cte("chosen")
    gone = delete(MINUTE).where(tuple_(*keys).in_(select(*chosen.prefix_with("MATERIALIZED").c)))
    rows = tx.execute(gone.returning(*keys[:3], MINUTE.c.count)).all()
    joined: Counter[tuple[int, str, str]] = Counter()
    for minute, scope, name, count in rows:
        joined[minute, scope, name] += count
    for (minute, scope, name), count in sorted(joined.items()):
        _counting_minute(tx.dialect.name).run_with_commit(tx, [(scope, name, count)], slot=0, minute=minute)
    return len(rows)
