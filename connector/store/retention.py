"""What is kept for a time only. Each function drops at most `limit` rows of one kind and tells how many it dropped.

Two programs that drop at once pass over what the other has: rows are locked, and locked ones are skipped.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, not_, or_, select, tuple_

from connector.model.job import UNDER_WAY
from connector.store import backfills, calls, events, guard, jobs, problems
from connector.store.entities import PERSON
from connector.store.entities import TABLE as ENTITY
from connector.store.tables import DROPPED, REFUSED, SENT

Drop = Callable[[Connection, float, int], int]
"""Drops at most so many rows from before a time, in unix seconds."""


def drop_events(connection: Connection, before: float, limit: int) -> int:
    """Events accepted before then that are settled; one that is still owed stays however old it is."""
    settled = events.TABLE.c.state.in_((SENT, REFUSED, DROPPED))
    return _drop(connection, events.TABLE, settled & (events.TABLE.c.accepted_at < before), limit)


def drop_calls(connection: Connection, before: float, limit: int) -> int:
    """Calls of before then."""
    return _drop(connection, calls.TABLE, calls.TABLE.c.at < before, limit)


def drop_problems(connection: Connection, before: float, limit: int) -> int:
    """Problems that did not come again since then, unless they are there to be seen still."""
    old = problems.TABLE.c.last_at < before
    return _drop(connection, problems.TABLE, old & not_(or_(_still_holds(), _still_waits())), limit)


def _still_holds() -> Any:
    """Deletions are held until a human decides."""
    holds = (guard.TABLE.c.sync == problems.TABLE.c.subject) & guard.TABLE.c.held_since.is_not(None)
    return (problems.TABLE.c.kind == "held") & exists().where(holds)


def _still_waits() -> Any:
    """The user is not sent because another one has their identifier."""
    waits = and_(
        ENTITY.c.sync == problems.TABLE.c.sync,
        ENTITY.c.kind == PERSON,
        ENTITY.c.key == problems.TABLE.c.subject,
        ENTITY.c.waits_for.is_not(None),
    )
    return (problems.TABLE.c.kind == "conflict") & exists().where(waits)


def drop_admissions(connection: Connection, before: float, limit: int) -> int:
    """What the deletion guard counted in minutes that ended before then."""
    return _drop(connection, guard.ADMISSION, guard.ADMISSION.c.minute < int(before // 60), limit)


def drop_jobs(connection: Connection, before: float, limit: int) -> int:
    """Jobs that came to their end before then, with what backfills among them read."""
    backfills.drop_orphans(connection)
    return _drop(
        connection, jobs.TABLE, jobs.TABLE.c.state.not_in(UNDER_WAY) & (jobs.TABLE.c.updated_at < before), limit
    )


def _drop(connection: Connection, table: Any, old: Any, limit: int) -> int:
    keys = tuple(table.primary_key.columns)
    # Materialized: PostgreSQL may otherwise run the subselect again for each row, and drop more than the limit.
    found = select(*keys).where(old).limit(limit).with_for_update(skip_locked=True, of=table)
    chosen = found.cte("chosen").prefix_with("MATERIALIZED")
    gone = delete(table).where(tuple_(*keys).in_(select(*chosen.c))).returning(*keys)
    return len(connection.execute(gone).all())
