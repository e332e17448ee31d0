"""Retention: which rows are dropped, and at what age, some at a time. `store/retention` has the statements."""

from collections.abc import Callable, Iterable

import structlog

from connector.audience.rules import Rules
from connector.settings.retention import RetentionSettings
from connector.store import retention, tallies, tally_hours
from connector.store.engine import Store
from connector.store.retention import Drop

log = structlog.get_logger(__name__)
_DAY_SECONDS = 24 * 3600.0
OUTSIDER_SECONDS = _DAY_SECONDS
"""The time for which a user who never was in the audience is kept, so that an older message cannot bring them in."""
_ADMISSION_DAYS = 7.0
_JOB_DAYS = 90.0
_PROCESS_DAYS = 1.0
_TRACE_DAYS = 1.0
"""Long enough for any trace that still goes on; a trace that is never settled must not stay for good."""
_ALERT_DAYS = 90.0
_HOURLY_DAYS = 15.0
_APPROVAL_DAYS = 30.0
_SLOTS_SECONDS = 600.0
"""The time after which nothing is counted any more in a minute that is over."""
TALLY_DAYS = 62.0
"""The days for which the sums of hours are kept: a month, and the month before to compare it with."""
_ENDED_WAITS_SECONDS = 60.0
_ROWS_AT_ONCE = 1000


def forget_outsiders(store: Store) -> int:
    """Drops the rows of users who never were in the audience and were not heard of for a day; returns how many."""
    with store.writing(patient=True) as tx:
        return retention.forget_outsiders(tx, store.now(tx) - OUTSIDER_SECONDS)


def retain(
    store: Store,
    settings: RetentionSettings,
    syncs: Iterable[Rules],
    until: Callable[[], bool] = lambda: False,
    rows_at_once: int = _ROWS_AT_ONCE,
) -> bool:
    """Adds up the minutes of past hours, and drops what need not be kept any longer.

    Args:
        store: The store.
        settings: For how many days each kind is kept.
        syncs: The rules of all syncs: their deletion guards look back at what they admitted.
        until: Says whether to stop; it is asked between two transactions.
        rows_at_once: The most rows that one transaction deletes.

    Returns:
        False if it was stopped before everything was done, else True.
    """
    summed = _add_up_hours(store, until)
    kinds = _kinds(settings, max((rules.deletion_guard.window_seconds for rules in syncs), default=0.0))
    finished = [_drop_all(store, what, drop, seconds, until, rows_at_once) for what, drop, seconds in kinds]
    return summed and all(finished)


def _add_up_hours(store: Store, until: Callable[[], bool]) -> bool:
    """Adds up the minutes of hours that are over, before minutes are dropped. Returns False if it was stopped."""
    while not until():
        with store.writing() as tx:
            if not tally_hours.add_up(tx, store.now(tx) - _SLOTS_SECONDS):
                return True
    return False


def _kinds(settings: RetentionSettings, longest_window: float) -> list[tuple[str, Drop, float]]:
    """Returns each kind of row that is dropped, with the function that drops it and the age in seconds."""
    return [
        ("events", retention.drop_events, settings.events_days * _DAY_SECONDS),
        ("calls", retention.drop_calls, settings.calls_days * _DAY_SECONDS),
        ("history", retention.drop_history, settings.history_days * _DAY_SECONDS),
        ("acts of operators", retention.drop_acts, settings.operators_days * _DAY_SECONDS),
        ("problems", retention.drop_problems, settings.problems_days * _DAY_SECONDS),
        ("problems of waits that ended", retention.drop_ended_waits, _ENDED_WAITS_SECONDS),
        ("webhooks", retention.drop_webhooks, settings.webhooks_days * _DAY_SECONDS),
        ("admissions", retention.drop_admissions, max(_ADMISSION_DAYS * _DAY_SECONDS, longest_window)),
        ("minutes", retention.drop_minutes, settings.minutes_days * _DAY_SECONDS),
        ("sums of hours", retention.drop_tally_hours, TALLY_DAYS * _DAY_SECONDS),
        ("slots of minutes, added up,", tallies.join_slots, _SLOTS_SECONDS),
        ("processes", retention.drop_processes, _PROCESS_DAYS * _DAY_SECONDS),
        ("traces of what is not settled", retention.drop_traces, _TRACE_DAYS * _DAY_SECONDS),
        ("notices of alerts", retention.drop_notices, _ALERT_DAYS * _DAY_SECONDS),
        ("alerts", retention.drop_alerts, _ALERT_DAYS * _DAY_SECONDS),
        ("hours", retention.drop_hours, _HOURLY_DAYS * _DAY_SECONDS),
        ("requests for an approval", retention.drop_approvals, _APPROVAL_DAYS * _DAY_SECONDS),
        ("jobs", retention.drop_jobs, _JOB_DAYS * _DAY_SECONDS),
        ("runs of sources", retention.drop_source_runs, _JOB_DAYS * _DAY_SECONDS),
    ]


def _drop_all(
    store: Store, what: str, drop: Drop, seconds: float, until: Callable[[], bool], rows_at_once: int
) -> bool:
    """Deletes the rows in transactions so short that no other writer waits long. Returns False if it was stopped."""
    total = 0
    dropped = rows_at_once
    while dropped == rows_at_once and not until():
        with store.writing() as tx:
            dropped = drop(tx, store.now(tx) - seconds, rows_at_once)
        total += dropped
    if total:
        log.info("old rows dropped", what=what, rows=total)
    return dropped < rows_at_once
