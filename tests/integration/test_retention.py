"""What is dropped in the end, and what never is, on SQLite and on PostgreSQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from connector import formats
from connector.admin import retention as upkeep
from connector.customerio.request_log import Call
from connector.intake.accept import accept
from connector.model.history import SaidOf
from connector.model.job import Job
from connector.model.problem import Problem
from connector.settings.retention import RetentionSettings
from connector.store import events, history, jobs, problems, request_log, retention
from connector.store.engine import Store
from tests.build_settings import rules
from tests.world import event, message

DAY = 24 * 3600.0
SETTINGS = RetentionSettings(events_days=10, calls_days=2, problems_days=5)


def now(store: Store) -> float:
    with store.reading() as tx:
        return store.now(tx)


def retain(store: Store, **how: Any) -> bool:
    return upkeep.retain(store, SETTINGS, [rules()], **how)


def column(store: Store, select: str) -> list[Any]:
    with store.reading() as tx:
        return list(tx.execute(text(f"SELECT {select}")).scalars())


def execute(store: Store, statement: str, **values: Any) -> None:
    with store.writing() as tx:
        tx.execute(text(statement), values)


def take(store: Store, *messages: dict[str, Any]) -> None:
    accept(store, [rules()], formats.parse("native", list(messages)))


def old_events(store: Store, count: int, days: float) -> None:
    """As many events, accepted so many days ago, one in each state and again."""
    take(store, *(message(f"u{number}", 1, event("Signed up", f"e{number}")) for number in range(count)))
    execute(store, "UPDATE event SET accepted_at = :at", at=now(store) - days * DAY)
    ids = column(store, "id FROM event ORDER BY key")
    with store.writing() as tx:
        for state in (events.SENT, events.REFUSED, events.DROPPED):
            events.settle(tx, "main", ids[state::4], state)


# ---- Events ----------------------------------------------------------------------------------------------------------


def test_settled_events_are_dropped_when_they_are_old_enough_and_owed_ones_never(store: Store) -> None:
    old_events(store, 8, days=10.01)
    assert retain(store)

    assert column(store, "state FROM event") == [0, 0]


def test_younger_events_stay(store: Store) -> None:
    old_events(store, 8, days=9.99)
    assert retain(store)

    assert len(column(store, "id FROM event")) == 8


def test_a_repeat_is_known_as_long_as_its_event_is_kept(store: Store) -> None:
    old_events(store, 2, days=9.99)
    retain(store)
    take(store, message("u1", 1, event("Signed up", "e1")))
    assert len(column(store, "id FROM event")) == 2


# ---- In chunks, in the time there is ---------------------------------------------------------------------------------


def test_everything_goes_however_few_rows_are_dropped_at_once(store: Store) -> None:
    old_events(store, 20, days=11)
    assert retain(store, rows_at_once=3)

    assert column(store, "count(*) FROM event") == [5]


def test_no_more_rows_are_dropped_at_once_than_asked(store: Store) -> None:
    old_events(store, 20, days=11)
    with store.writing() as tx:
        assert retention.drop_events(tx, store.now(tx), 3) == 3
    assert column(store, "count(*) FROM event") == [17]


def test_who_runs_out_of_time_says_so_and_goes_on_another_time(store: Store) -> None:
    old_events(store, 20, days=11)
    looks = iter([False] * 3)  # the first is asked before hours are added up
    assert not retain(store, until=lambda: next(looks, True), rows_at_once=3)
    assert column(store, "count(*) FROM event") == [14]

    assert retain(store, rows_at_once=3)
    assert column(store, "count(*) FROM event") == [5]


def test_two_who_drop_at_once_do_not_wait_for_each_other(database: str, open_store: Callable[[str], Store]) -> None:
    stores = [open_store(database) for _ in range(2)]
    old_events(stores[0], 400, days=11)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda store: retain(store, rows_at_once=10), stores * 2))

    assert column(stores[0], "count(*) FROM event") == [100]


# ---- Everything else -------------------------------------------------------------------------------------------------


def test_old_calls_are_dropped(store: Store) -> None:
    with store.writing() as tx:
        at = store.now(tx)
        old, young = (Call(at - days * DAY, "main", "main", "batch", 1, 2, 200, 3, "settled") for days in (2.01, 1.99))
        request_log.add(tx, [old, young])
    assert retain(store)

    assert column(store, "at FROM call") == [young.at]


def test_old_history_is_dropped(store: Store) -> None:
    with store.writing() as tx:
        at = store.now(tx)
        for days in (1.9, 2.1):
            history.add_said(tx, "main", [SaidOf("u1", 1, 1, 1, 0)], at - days * DAY)
    for settings, kept in ((RetentionSettings(history_days=2.0), 1), (RetentionSettings(history_days=0.0), 0)):
        assert upkeep.retain(store, settings, [rules()])
        assert column(store, "count(*) FROM history") == [kept]


def test_old_jobs_are_dropped_once_they_are_over(store: Store) -> None:
    with store.writing() as tx:
        at = store.now(tx)
        for days in (89, 91):
            for state in ("running", "paused", "done", "cancelled"):
                jobs.add(tx, Job(f"{state} {days}", "main", "resync", state, updated_at=at - days * DAY))
    assert retain(store)

    kept = ["cancelled 89", "done 89", "paused 89", "paused 91", "running 89", "running 91"]
    assert sorted(column(store, "id FROM job")) == kept


def test_what_the_guard_counted_is_dropped_after_a_week(store: Store) -> None:
    minute = int(now(store) // 60)
    week = 7 * 24 * 60
    for age in (week - 60, week + 60):
        execute(store, "INSERT INTO admission (sync, minute, count) VALUES ('main', :minute, 1)", minute=minute - age)
    assert retain(store)

    assert column(store, "minute FROM admission") == [minute - week + 60]


def test_what_the_guard_counted_is_kept_for_all_of_its_window(store: Store) -> None:
    minute = int(now(store) // 60)
    execute(store, "INSERT INTO admission (sync, minute, count) VALUES ('main', :minute, 1)", minute=minute - 20 * 1440)
    patient = rules(deletion_guard={"window_seconds": 30 * DAY})
    assert upkeep.retain(store, SETTINGS, [patient])

    assert len(column(store, "minute FROM admission")) == 1


@pytest.mark.parametrize("kind", ["unreadable", "attribute", "refused", "conflict", "held"])
def test_old_problems_are_dropped_and_those_that_came_again_are_not(store: Store, kind: Any) -> None:
    with store.writing() as tx:
        at = store.now(tx)
        problems.add(tx, "main", [Problem(kind, "u1", "old"), Problem(kind, "u2", "again")], at - 5.01 * DAY)
        problems.add(tx, "main", [Problem(kind, "u2", "again")], at - 4.99 * DAY)
    assert retain(store)

    assert column(store, "reason FROM problem") == ["again"]


def test_a_conflict_is_told_of_as_long_as_the_user_waits(store: Store) -> None:
    take(store, message("u1", 1), message("u2", 1, external_id="u1"))
    execute(store, "UPDATE problem SET last_at = 0")
    assert retain(store)
    assert column(store, "subject FROM problem") == ["u2"]
    take(store, message("u2", 2, external_id="u2"))

    assert column(store, "subject FROM problem") == []


def test_a_conflict_that_ended_goes_whatever_ended_it_and_other_conflicts_stay(store: Store) -> None:
    take(store, message("u1", 1), message("u2", 1, external_id="u1"), message("u3", 1, external_id="u1"))
    with store.writing() as tx:
        problems.add(tx, "main", [Problem("conflict", "u2", "u1 and u2 are each merged into the other")], store.now(tx))
    execute(store, "UPDATE entity SET waits_for = NULL WHERE key = 'u2'")
    assert retain(store)
    assert len(column(store, "subject FROM problem")) == 3, "it may be of this moment"
    execute(store, "UPDATE problem SET last_at = last_at - 61")
    assert retain(store)

    told = dict(zip(column(store, "subject FROM problem"), column(store, "reason FROM problem"), strict=True))
    assert set(told) == {"u2", "u3"}
    assert "merged" in told["u2"]


def test_held_deletions_are_told_of_as_long_as_they_are_held(store: Store) -> None:
    with store.writing() as tx:
        problems.add(tx, "main", [Problem("held", "main", "too many")], 0)
        problems.add(tx, "other", [Problem("held", "other", "too many")], 0)
    execute(store, "INSERT INTO guard (sync, audience, counted_at, held_since) VALUES ('main', 9, 0, 1)")
    execute(store, "INSERT INTO guard (sync, audience, counted_at) VALUES ('other', 9, 0)")
    assert retain(store)

    assert column(store, "sync FROM problem") == ["main"]
