"""Drops what is kept for a time only. Most functions drop at most `limit` rows of one kind and return how many.

Two programs that drop at once skip each other's rows: rows are locked, and locked ones are passed over.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, not_, or_, select, tuple_

from connector.audience.audience_status import AudienceStatus
from connector.model.job import UNDER_WAY
from connector.store import (
    alerts,
    approvals,
    backfills,
    deletion_guard,
    events,
    exports,
    heartbeats,
    history,
    hourly,
    identifier_holders,
    jobs,
    operator_log,
    problems,
    request_log,
    tallies,
    tally_hours,
    trace_contexts,
    webhooks,
)
from connector.store.activity_tables import WAITING
from connector.store.entities import PERSON
from connector.store.entities import TABLE as ENTITY
from connector.store.tables import DROPPED, REFUSED, SENT

Drop = Callable[[Connection, float, int], int]
"""A function that drops at most `limit` rows from before a time, in unix seconds, and returns how many."""


def drop_events(tx: Connection, before: float, limit: int) -> int:
    """Drops settled events that were accepted before `before`. An event that is still owed stays, however old it is."""
    settled = events.TABLE.c.state.in_((SENT, REFUSED, DROPPED))
    return _drop(tx, events.TABLE, settled & (events.TABLE.c.accepted_at < before), limit)


def drop_calls(tx: Connection, before: float, limit: int) -> int:
    """Drops logged requests from before `before`."""
    return _drop(tx, request_log.TABLE, request_log.TABLE.c.at < before, limit)


def drop_history(tx: Connection, before: float, limit: int) -> int:
    """Drops the history of people from before `before`."""
    return _drop(tx, history.TABLE, history.TABLE.c.at < before, limit)


def drop_acts(tx: Connection, before: float, limit: int) -> int:
    """Drops the log of what was done by hand before `before`."""
    return _drop(tx, operator_log.TABLE, operator_log.TABLE.c.at < before, limit)


def drop_problems(tx: Connection, before: float, limit: int) -> int:
    """Drops problems that have not come again since `before`, unless their cause still lasts."""
    old = problems.TABLE.c.last_at < before
    return _drop(tx, problems.TABLE, old & not_(or_(_still_holds(), _still_waits())), limit)


def _still_holds() -> Any:
    """Returns the condition that a problem is of deletions that are still held: a human decides on them."""
    holds = (deletion_guard.TABLE.c.sync == problems.TABLE.c.subject) & deletion_guard.TABLE.c.held_since.is_not(None)
    return (problems.TABLE.c.kind == "held") & exists().where(holds)


def _still_waits() -> Any:
    """Returns the condition that a problem is of a user who still waits for an identifier that another one has."""
    waits = and_(
        ENTITY.c.sync == problems.TABLE.c.sync,
        ENTITY.c.kind == PERSON,
        ENTITY.c.key == problems.TABLE.c.subject,
        ENTITY.c.waits_for.is_not(None),
    )
    return (problems.TABLE.c.kind == "conflict") & exists().where(waits)


def drop_ended_waits(tx: Connection, before: float, limit: int) -> int:
    """Drops problems from before `before` of users who waited for an identifier and no longer do."""
    return _drop(tx, problems.TABLE, identifier_holders.wait_is_over() & (problems.TABLE.c.last_at < before), limit)


def drop_webhooks(tx: Connection, before: float, limit: int) -> int:
    """Drops webhooks that were received before `before`. One that is yet to be folded stays, however old it is."""
    done = webhooks.TABLE.c.state != WAITING
    return _drop(tx, webhooks.TABLE, done & (webhooks.TABLE.c.received_at < before), limit)


def drop_admissions(tx: Connection, before: float, limit: int) -> int:
    """Drops what the deletion guard counted in minutes that ended before `before`."""
    return _drop(tx, deletion_guard.ADMISSION, deletion_guard.ADMISSION.c.minute < int(before // 60), limit)


def drop_jobs(tx: Connection, before: float, limit: int) -> int:
    """Drops jobs that ended before `before`, and what backfills read whose jobs were dropped earlier."""
    backfills.drop_orphans(tx)
    return _drop(tx, jobs.TABLE, jobs.TABLE.c.state.not_in(UNDER_WAY) & (jobs.TABLE.c.updated_at < before), limit)


def drop_source_runs(tx: Connection, before: float, limit: int) -> int:
    """Drops runs of sources that ended before `before`."""
    return _drop(tx, exports.SOURCE_RUN, exports.SOURCE_RUN.c.ended_at < before, limit)


def drop_approvals(tx: Connection, before: float, limit: int) -> int:
    """Drops requests for an approval that expired before `before`."""
    return _drop(tx, approvals.TABLE, approvals.TABLE.c.expires_at < before, limit)


def drop_minutes(tx: Connection, before: float, limit: int) -> int:
    """Drops what was counted in minutes that ended before `before`."""
    ended = tallies.MINUTE.c.minute < int(before // tallies.MINUTE_SECONDS)
    return _drop(tx, tallies.MINUTE, ended, limit)


def drop_tally_hours(tx: Connection, before: float, limit: int) -> int:
    """Drops the sums of hours that ended before `before`."""
    return _drop(tx, tally_hours.TABLE, tally_hours.TABLE.c.hour < int(before // hourly.HOUR_SECONDS), limit)


def drop_notices(tx: Connection, before: float, limit: int) -> int:
    """Drops notices told before `before`, but not those of an open alert: its end goes to channels that had them."""
    open_ = (alerts.TABLE.c.key == alerts.NOTICE.c.alert) & alerts.TABLE.c.recovered_at.is_(None)
    told = (alerts.NOTICE.c.told_at < before) & not_(exists().where(open_))
    return _drop(tx, alerts.NOTICE, told, limit)


def drop_alerts(tx: Connection, before: float, limit: int) -> int:
    """Drops alerts that ended before `before`, but none that has a notice left: a new one would get its number."""
    noted = exists().where(alerts.NOTICE.c.alert == alerts.TABLE.c.key)
    return _drop(tx, alerts.TABLE, (alerts.TABLE.c.recovered_at < before) & not_(noted), limit)


def drop_hours(tx: Connection, before: float, limit: int) -> int:
    """Drops the hourly counts of hours that ended before `before`."""
    return _drop(tx, hourly.TABLE, hourly.TABLE.c.hour < int(before // hourly.HOUR_SECONDS), limit)


def drop_traces(tx: Connection, before: float, limit: int) -> int:
    """Drops the trace contexts of messages from before `before`: what they said has never been settled."""
    return _drop(tx, trace_contexts.TABLE, trace_contexts.TABLE.c.at < before, limit)


def drop_processes(tx: Connection, before: float, limit: int) -> int:
    """Drops processes that were last seen before `before` and did not end in order."""
    return _drop(tx, heartbeats.TABLE, heartbeats.TABLE.c.seen_at < before, limit)


def _drop(tx: Connection, table: Any, old: Any, limit: int) -> int:
    keys = tuple(table.primary_key.columns)
    # Materialized: PostgreSQL may otherwise run the subselect again for each row, and drop more than the limit.
    found = select(*keys).where(old).limit(limit).with_for_update(skip_locked=True, of=table)
    chosen = found.cte("chosen").prefix_with("MATERIALIZED")
    gone = delete(table).where(tuple_(*keys).in_(select(*chosen.c))).returning(*keys)
    return len(tx.execute(gone).all())


def forget_outsiders(tx: Connection, before: float) -> int:
    """Drops the rows of users who never were in the audience, without a message since `before` (unix seconds).

    Such rows only keep the order of messages. A user who is deleted, suppressed or merged stays so, whatever messages
    come later. Returns how many rows were dropped.
    """
    kept = (AudienceStatus.DELETED, AudienceStatus.SUPPRESSED, AudienceStatus.MERGED)
    noticed = ENTITY.c.standing.in_(kept) | ENTITY.c.tried.is_not(None) | ENTITY.c.due_at.is_not(None)
    noticed |= ENTITY.c.waits_for.is_not(None)
    outsiders = ENTITY.c.entered.is_(False) & (ENTITY.c.updated_at < before) & ~noticed
    return tx.execute(delete(ENTITY).where(outsiders)).rowcount
