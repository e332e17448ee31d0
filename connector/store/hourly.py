"""Keeps what is counted once an hour: the changes of each sync, and the sizes of segments."""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from sqlalchemy import Connection, and_, func, select

from connector.store import encoding
from connector.store.alert_tables import HourlyRow
from connector.store.bulk_sql import insert
from connector.store.entities import TABLE as ENTITY
from connector.store.entities import of
from connector.store.tallies import MINUTE, way

TABLE = HourlyRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
HOUR_SECONDS = 3600
_MINUTES_AN_HOUR = 60


class HourCount(NamedTuple):
    """A count of one hour (unix time // 3600)."""

    hour: int
    number: int


class MemberCounts(NamedTuple):
    """The number of members of each segment among some users. last: the key of the last user; None for no user."""

    last: str | None
    members: Mapping[str, int]


def has(tx: Connection, subject: str, hour: int) -> bool:
    """Says whether something was counted for an hour (unix time // 3600)."""
    return tx.execute(select(TABLE.c.hour).where(TABLE.c.subject == subject, TABLE.c.hour == hour)).first() is not None


def keep(tx: Connection, counts: Mapping[str, int], hour: int) -> None:
    """Keeps the counts of an hour (unix time // 3600) by subject; a count that is kept already stays."""
    for subject, count in sorted(counts.items()):
        row = {"subject": subject, "hour": hour, "count": count}
        tx.execute(insert(tx.dialect.name, TABLE).values(row).on_conflict_do_nothing())


def since(tx: Connection, subject: str, hour: int) -> list[HourCount]:
    """Returns the counts of something since an hour (unix time // 3600), the latest first."""
    found = select(TABLE.c.hour, TABLE.c.count).where(TABLE.c.subject == subject, TABLE.c.hour >= hour)
    return [HourCount(*row) for row in tx.execute(found.order_by(TABLE.c.hour.desc()))]


def changes(tx: Connection, sync: str, hour: int) -> int:
    """Returns how many changes of a sync were counted in an hour (unix time // 3600)."""
    minutes = MINUTE.c.minute.between(hour * _MINUTES_AN_HOUR, hour * _MINUTES_AN_HOUR + _MINUTES_AN_HOUR - 1)
    mine = and_(minutes, MINUTE.c.scope == way(sync), MINUTE.c.name == "due")
    return int(tx.execute(select(func.coalesce(func.sum(MINUTE.c.count), 0)).where(mine)).scalar_one())


def count_members(tx: Connection, sync: str, segments: AbstractSet[str], key: str, limit: int) -> MemberCounts:
    """Counts the members of segments among the next users, in the order of keys.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        segments: The segments, by name or id.
        key: The key to begin behind; "" for the first.
        limit: How many users to look at.
    """
    rows = select(ENTITY.c.key, ENTITY.c.facts).where(of(sync), ENTITY.c.key > key).order_by(ENTITY.c.key).limit(limit)
    last, found = None, Counter[str]()
    for last_key, facts in tx.execute(rows):
        last = last_key
        found.update(segments & _names(facts))
    return MemberCounts(last, found)


def _names(facts: str) -> set[str]:
    """Returns the ids and names of the segments that a user is in. A null name says that they left."""
    try:
        values = encoding.facts_of(facts, entered=True).segments.values
    except encoding.CorruptError:
        return set()  # set aside by delivery, with a problem
    return {each for key, name in values.items() if name is not None for each in (key, name)}
