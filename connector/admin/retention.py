"""What must be looked after from time to time."""

from collections.abc import Callable, Iterable
from typing import Any

import structlog

from connector.audience.rules import Rules
from connector.settings.sections import Retention
from connector.store import claims, entities, retention
from connector.store.opening import Store
from connector.store.retention import Drop

log = structlog.get_logger(__name__)
_DAY_SECONDS = 24 * 3600.0
OUTSIDER_SECONDS = _DAY_SECONDS
"""How long a user who never was in the audience is remembered, so that an older message cannot bring them in."""
_ADMISSION_DAYS = 7.0
_JOB_DAYS = 90.0
_ROWS_AT_ONCE = 1000


def overdue(store: Store, syncs: Iterable[Rules]) -> list[str]:
    """The syncs that have something due which nobody is sending."""
    with store.reading() as connection:
        now = store.now(connection)
        return [rules.name for rules in syncs if rules.deliver and _any_due(connection, rules, now)]


def _any_due(connection: Any, rules: Rules, now: float) -> bool:
    kinds = (entities.PERSON, entities.OBJECT) if rules.objects else (entities.PERSON,)
    return any(claims.any_due(connection, rules.name, now, kind) for kind in kinds)


def forget_outsiders(store: Store) -> int:
    """Drops the rows of users who never were in the audience and were not heard of for a day; how many."""
    with store.writing() as connection:
        return entities.forget_outsiders(connection, store.now(connection) - OUTSIDER_SECONDS)


def retain(
    store: Store,
    settings: Retention,
    syncs: Iterable[Rules],
    until: Callable[[], bool] = lambda: False,
    rows_at_once: int = _ROWS_AT_ONCE,
) -> bool:
    """Drops what need not be kept any longer; False where `until` said to stop before all of it was gone."""
    kinds = _kinds(settings, max((rules.deletion_guard.window_seconds for rules in syncs), default=0.0))
    finished = [_drop_all(store, what, drop, seconds, until, rows_at_once) for what, drop, seconds in kinds]
    return all(finished)


def _kinds(settings: Retention, longest_window: float) -> list[tuple[str, Drop, float]]:
    """What is dropped, how, and after how many seconds."""
    return [
        ("events", retention.drop_events, settings.events_days * _DAY_SECONDS),
        ("calls", retention.drop_calls, settings.calls_days * _DAY_SECONDS),
        ("problems", retention.drop_problems, settings.problems_days * _DAY_SECONDS),
        ("admissions", retention.drop_admissions, max(_ADMISSION_DAYS * _DAY_SECONDS, longest_window)),
        ("jobs", retention.drop_jobs, _JOB_DAYS * _DAY_SECONDS),
    ]


def _drop_all(
    store: Store, what: str, drop: Drop, seconds: float, until: Callable[[], bool], rows_at_once: int
) -> bool:
    """Drops row after row in transactions so short that nobody waits for them."""
    total = 0
    dropped = rows_at_once
    while dropped == rows_at_once and not until():
        with store.writing() as connection:
            dropped = drop(connection, store.now(connection) - seconds, rows_at_once)
        total += dropped
    if total:
        log.info("old rows dropped", what=what, rows=total)
    return dropped < rows_at_once
