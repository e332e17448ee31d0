"""Adds minutes up to hours, which are kept for longer, and sums what was counted over any time.

An hour is added up once it has been over for so long that nothing is counted in it any more; hours are added up in
their order. So every hour up to the last one has whole sums, and what came later has whole minutes.
"""

from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, func, insert, literal, select, union_all

from connector.store.hourly import HOUR_SECONDS
from connector.store.tables import TallyHourRow
from connector.store.tallies import MINUTE

TABLE = TallyHourRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
MINUTES_AN_HOUR = 60
_ALL = 24 * 365 * 1000
"""A number of hours that holds any time that is ever asked for."""
_ADDED_UP = "added up"
"""The scope of the rows that mark the hours that were added up."""


class HoursCount(NamedTuple):
    """The tally of an outcome within some hours, of which `first` (unix time // 3600) is the first."""

    scope: str
    name: str
    first: int
    number: int


def add_up(tx: Connection, before: float) -> bool:
    """Adds up the next hour that ended before `before` (unix seconds). Returns whether there was one."""
    last = _last(tx)
    later = select(func.min(MINUTE.c.minute)).where(MINUTE.c.minute >= (last + 1) * MINUTES_AN_HOUR)
    minute = tx.execute(later).scalar()
    if minute is None:
        return False
    hour = int(minute) // MINUTES_AN_HOUR
    if (hour + 1) * HOUR_SECONDS > before:
        return False
    begin = hour * MINUTES_AN_HOUR
    sums = _minutes((), begin, begin + MINUTES_AN_HOUR, literal(hour))
    columns = ["scope", "name", "hour", "count"]
    tx.execute(insert(TABLE).from_select(columns, sums))
    tx.execute(insert(TABLE).values(scope=_ADDED_UP, name="", hour=hour, count=1))
    return True


def _last(tx: Connection) -> int:
    """Returns the last hour that was added up (unix time // 3600), or -1 if none was."""
    rows = select(TABLE.c.hour).where(TABLE.c.scope == _ADDED_UP).order_by(TABLE.c.hour.desc()).limit(1)
    found = tx.execute(rows).scalar()
    return -1 if found is None else int(found)


def first(tx: Connection) -> int | None:
    """Returns the first minute (unix time // 60) of which anything is known; None where nothing was ever counted."""
    hours = select(TABLE.c.hour).where(TABLE.c.scope == _ADDED_UP).order_by(TABLE.c.hour).limit(1)
    hour = tx.execute(hours).scalar()
    if hour is not None:
        return int(hour) * MINUTES_AN_HOUR
    minute = tx.execute(select(func.min(MINUTE.c.minute))).scalar()
    return None if minute is None else int(minute)


def between(tx: Connection, scopes: Collection[str], begin: int, end: int) -> dict[str, Counter[str]]:
    """Returns what was counted within a time, by scope and name.

    Args:
        tx: A transaction.
        scopes: The scopes.
        begin: The first minute (unix time // 60).
        end: The minute before which it ends.
    """
    found = {scope: Counter[str]() for scope in scopes}
    for each in _counted(tx, scopes, begin, end, _ALL):
        found[each.scope][each.name] += each.number
    return found


def series(tx: Connection, scopes: Collection[str], begin: int, end: int, hours: int) -> list[HoursCount]:
    """Returns what was counted, some hours at a time.

    Args:
        tx: A transaction.
        scopes: The scopes.
        begin: The first minute (unix time // 60).
        end: The minute before which it ends.
        hours: How many hours go together, as unix time has them: 24 are a day of UTC.
    """
    found: Counter[tuple[str, str, int]] = Counter()
    for each in _counted(tx, scopes, begin, end, hours):
        found[each.scope, each.name, each.first] += each.number
    return [HoursCount(*key, number) for key, number in found.items()]


def _counted(tx: Connection, scopes: Collection[str], begin: int, end: int, hours: int) -> list[HoursCount]:
    """Returns the sums of hours where they are whole and added up, and of minutes at both ends."""
    first, last = -(-begin // MINUTES_AN_HOUR), min(end // MINUTES_AN_HOUR - 1, _last(tx))
    of_minute = _first(MINUTE.c.minute, MINUTES_AN_HOUR * hours, hours)
    if first > last:
        parts = [_minutes(scopes, begin, end, of_minute)]
    else:
        at = _first(TABLE.c.hour, hours, hours)
        wanted = and_(TABLE.c.scope.in_(scopes), TABLE.c.hour.between(first, last))
        whole = select(TABLE.c.scope, TABLE.c.name, at, func.sum(TABLE.c.count)).where(wanted)
        parts = [whole.group_by(TABLE.c.scope, TABLE.c.name, at)]
        for edge in ((begin, first * MINUTES_AN_HOUR), ((last + 1) * MINUTES_AN_HOUR, end)):
            if edge[0] < edge[1]:
                parts.append(_minutes(scopes, *edge, of_minute))
    rows = tx.execute(union_all(*parts) if len(parts) > 1 else parts[0])
    return [HoursCount(scope, name, int(at), int(number)) for scope, name, at, number in rows]


def _first(unit: Any, units: int, hours: int) -> ColumnElement[int]:
    """Returns the first hour of the group that a minute, or an hour, is in; `units` of them make up its `hours`."""
    of_unit: ColumnElement[int] = (unit - unit % literal(units)) // literal(units // hours)
    return of_unit


def _minutes(scopes: Collection[str], begin: int, end: int, at: ColumnElement[int]) -> Select[Any]:
    wanted = and_(MINUTE.c.minute >= begin, MINUTE.c.minute < end)
    if scopes:
        wanted &= MINUTE.c.scope.in_(scopes)
    return (
        select(MINUTE.c.scope, MINUTE.c.name, at, func.sum(MINUTE.c.count))
        .where(wanted)
        .group_by(MINUTE.c.scope, MINUTE.c.name, at)
    )
