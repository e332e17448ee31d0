"""Counts the latest problems by their cause."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection, Integer, Subquery, cast, func, select

from connector.model.problem_filter import ProblemFilter
from connector.store.problems import TABLE, meant

HOUR_SECONDS = 3600.0


class GroupRow(NamedTuple):
    """The problems of one cause. reason: of one of them; subjects: how many users, queues and so on they are about."""

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
        looked_at: How many of the latest of these are looked at.
        limit: How many causes to return at most.
    """
    each = _lately(which, ("cause", "kind", "subject", "count", "first_at", "last_at", "id"), looked_at)
    subjects = func.count(func.distinct(func.nullif(each.c.subject, "")))
    times, latest = func.sum(each.c.count), func.max(each.c.last_at)
    sums = (func.count(), times, subjects, func.min(each.c.first_at), latest, func.max(each.c.id))
    found = select(each.c.cause, each.c.kind, *sums).group_by(each.c.cause, each.c.kind)
    rows = tx.execute(found.order_by(times.desc(), each.c.kind, each.c.cause).limit(limit)).all()
    # A reason is looked up for each group alone: to carry those of all along would cost more than all the rest.
    ids = [row[-1] for row in rows]
    reasons = {row.id: row.reason for row in tx.execute(select(TABLE.c.id, TABLE.c.reason).where(TABLE.c.id.in_(ids)))}
    return [
        GroupRow(row[0] or "", row[1], int(row[2]), int(row[3]), int(row[4]), row[5], row[6], reasons[row[7]])
        for row in rows
    ]


def _lately(which: ProblemFilter, names: Sequence[str], looked_at: int) -> Subquery:
    found = select(*(TABLE.c[name] for name in names)).where(meant(which)).order_by(TABLE.c.last_at.desc())
    return found.limit(looked_at).subquery()


def hours(tx: Connection, which: ProblemFilter, now: float, most: int, looked_at: int) -> dict[tuple[str, int], int]:
    """Returns how many problems came last in each of the latest hours, by cause and hours ago (0: the current hour).

    Args:
        tx: A transaction.
        which: Which problems are meant.
        now: The store's time, in unix seconds.
        most: How many hours.
        looked_at: How many of the latest of these problems are looked at.
    """
    since = max(which.since, now - most * HOUR_SECONDS)
    each = _lately(replace(which, since=since), ("cause", "last_at"), looked_at)
    ago = cast((now - each.c.last_at) / HOUR_SECONDS - 0.5, Integer)  # PostgreSQL rounds, SQLite cuts off
    if tx.dialect.name == "sqlite":
        ago = cast((now - each.c.last_at) / HOUR_SECONDS, Integer)
    found = select(each.c.cause, ago, func.count()).group_by(each.c.cause, ago)
    return {(row[0] or "", min(max(int(row[1]), 0), most - 1)): int(row[2]) for row in tx.execute(found)}
