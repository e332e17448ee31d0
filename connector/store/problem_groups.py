"""Counts problems by their cause, over the latest ones, in one statement."""

from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, cast, func, select

from connector.model.problem_filter import ProblemFilter
from connector.store.problems import TABLE, meant

HOUR_SECONDS = 3600.0


class GroupRow(NamedTuple):
    """Problems of one cause; reason: that of one of them. subjects: how many users, queues and so on they are about."""

    cause: str
    kind: str
    problems: int
    times: int
    subjects: int
    first_at: float
    last_at: float
    reason: str


def groups(tx: Connection, which: ProblemFilter, looked_at: int, limit: int) -> list[GroupRow]:
    """Returns the causes of problems, those that came most often first.

    Args:
        tx: A transaction.
        which: Which problems are meant.
        looked_at: Of these, how many of the latest are looked at.
        limit: How many causes to return at most.
    """
    names = ("cause", "kind", "subject", "count", "first_at", "last_at", "reason")
    lately = select(*(TABLE.c[name] for name in names)).where(meant(which)).order_by(TABLE.c.last_at.desc())
    each = lately.limit(looked_at).subquery()
    times, first, last = func.sum(each.c.count), func.min(each.c.first_at), func.max(each.c.last_at)
    # By subject first: to count those that differ within a group would sort them all.
    counted = select(each.c.cause, each.c.kind, each.c.subject, func.count().label("problems"), times.label("times"))
    counted = counted.add_columns(
        first.label("first_at"), last.label("last_at"), func.min(each.c.reason).label("reason")
    )
    about = counted.group_by(each.c.cause, each.c.kind, each.c.subject).subquery()
    found = select(about.c.cause, about.c.kind, *_sums(about)).group_by(about.c.cause, about.c.kind)
    rows = tx.execute(found.order_by(func.sum(about.c.times).desc(), about.c.kind, about.c.cause).limit(limit))
    return [GroupRow(row[0] or "", row[1], int(row[2]), int(row[3]), int(row[4]), *row[5:]) for row in rows]


def _sums(about: Any) -> tuple[Any, ...]:
    return (
        func.sum(about.c.problems),
        func.sum(about.c.times),
        func.count(func.nullif(about.c.subject, "")),
        func.min(about.c.first_at),
        func.max(about.c.last_at),
        func.min(about.c.reason),
    )


def hours(tx: Connection, which: ProblemFilter, now: float, most: int, looked_at: int) -> dict[tuple[str, int], int]:
    """Returns how many problems of each cause came last in each of the latest hours, 0 for the one that runs.

    Args:
        tx: A transaction.
        which: Which problems are meant.
        now: The store's time, in unix seconds.
        most: How many hours.
        looked_at: Of these problems, how many of the latest are looked at.
    """
    since = now - most * HOUR_SECONDS
    lately = select(TABLE.c.cause, TABLE.c.last_at).where(meant(which), TABLE.c.last_at > since)
    each = lately.order_by(TABLE.c.last_at.desc()).limit(looked_at).subquery()
    ago = cast((now - each.c.last_at) / HOUR_SECONDS - 0.5, Integer)  # PostgreSQL rounds, SQLite cuts off
    if tx.dialect.name == "sqlite":
        ago = cast((now - each.c.last_at) / HOUR_SECONDS, Integer)
    found = select(each.c.cause, ago, func.count()).group_by(each.c.cause, ago)
    return {(row[0] or "", max(int(row[1]), 0)): int(row[2]) for row in tx.execute(found)}
