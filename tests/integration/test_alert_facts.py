"""What alerts look at, read from a store: each kind of fact, and the counts that are compared with their mean."""

from collections.abc import Callable

import pytest
from sqlalchemy import insert

from connector import formats
from connector.alerts import turn as turns
from connector.alerts import watch
from connector.alerts.gather import gather
from connector.alerts.measure import compared, measure, of_changes
from connector.alerts.turn import AlertTurn
from connector.alerts.watch import AlertThread
from connector.audience.rules import Rules
from connector.errors import StoreError
from connector.intake.accept import accept
from connector.model.job import Job
from connector.model.problem import EVERY_SYNC, Problem
from connector.store import alerts, heartbeats, hourly, jobs, problems, tallies
from connector.store.engine import Store
from connector.store.hourly import HourCount
from tests.build_settings import build
from tests.servers import eventually
from tests.world import message

HOUR = 3600
BOUNDS = {"count_off_mean": 0.5, "segment_off_mean": 0.5, "webhooks_silent_seconds": 60.0}


def test_what_the_store_knows_is_what_the_rules_see(store: Store) -> None:
    settings = build(alerts=BOUNDS, connection={"webhook_keys": ["a-signing-key"]})
    with store.writing() as tx:
        now = store.now(tx)
        problems.add(tx, EVERY_SYNC, [Problem("queue unread", "of-old", "messages wait in it")], now)
        problems.add(tx, EVERY_SYNC, [Problem("dead letters", "dead-letters", "they lie there", {"messages": 7})], now)
        problems.add(tx, EVERY_SYNC, [Problem("signature", "main", "webhooks are refused: no key fits")], now)
        problems.add(tx, EVERY_SYNC, [Problem("queue", "segment-changes", "the disk is full")], now)
        problems.add(tx, "main", [Problem("refused", "u1", "too long"), Problem("refused", "u2", "too long")], now)
        problems.add(tx, "main", [Problem("refused", "u3", "too long")], now - 2 * HOUR)
        tallies.tally(tx, {EVERY_SYNC: {tallies.MESSAGES: 3}}, now - 600)
        counts = {"compared": 9, "drifted": 3, "repaired": 1}
        jobs.add(
            tx, Job(id="j1", sync="main", kind="audit", state="done", counts=counts, created_at=now, updated_at=now)
        )
    with store.reading() as tx:
        facts = gather(settings, tx, now, {})
    assert facts.queues_unread == ["of-old"]
    assert (facts.dead_letters, facts.drift, facts.problems) == (7, {"main": 2}, {"main": 2})
    assert facts.unsigned == {"main": "webhooks are refused: no key fits"}
    assert facts.queues_held == {"segment-changes": "the disk is full"}
    assert facts.heard_at is not None
    assert 540 <= now - facts.heard_at <= 600
    assert [(each.name, each.since) for each in facts.connections] == [("main", None)]
    assert [(each.connection, each.heard_at) for each in facts.webhooks] == [("main", None)]


def test_hours_are_counted_once_and_compared_with_those_before(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = build(alerts=BOUNDS, sync={"segments": ["Paying", "Trial"]})
    people = [message(f"u{each}", 1, segments=["Paying"] if each else ["Trial", "Paying"]) for each in range(3)]
    accept(store, Rules.all_of(settings), formats.parse("native", people))
    with store.reading() as tx:
        hour = int(store.now(tx) // HOUR)
    monkeypatch.setattr(store, "now", lambda _tx: (hour + 1) * HOUR + 60.0)
    with store.writing() as tx:
        earlier = [{"subject": of_changes("main"), "hour": hour - 24 * day, "count": 100} for day in range(1, 5)]
        tx.execute(insert(hourly.TABLE), earlier)
    for _ in range(2):
        measure(settings, store)
    with store.reading() as tx:
        facts = gather(settings, tx, store.now(tx), {})
    assert [(each.subject, each.number, each.mean) for each in facts.counts] == [("main", 3, 100.0)]
    assert [(each.subject, each.number, each.mean) for each in facts.segments] == [
        ("main: Paying", 3, 0.0), ("main: Trial", 1, 0.0),
    ]  # fmt: skip


def test_a_mean_of_too_few_is_none() -> None:
    few = [HourCount(10, 5), HourCount(9, 100), HourCount(8, 100)]
    assert compared("main", few, 10, lambda _: True, 3).mean == 0.0
    assert compared("main", few, 10, lambda _: True, 2).mean == 100.0
    assert compared("main", few[1:], 10, lambda _: True, 2).mean == 0.0


def test_a_process_that_beat_does_not_ring_takes_turns_too(file_url: str, open_store: Callable[[str], Store]) -> None:
    store = open_store(file_url)
    with store.writing() as tx:
        problems.add(tx, EVERY_SYNC, [Problem("queue", "segment-changes", "the disk is full")], store.now(tx))
    thread = AlertThread(build(), store, every_seconds=0.05).start()

    def known() -> bool:
        with store.reading() as tx:
            return "queue held: segment-changes" in alerts.known(tx)

    eventually(known)
    thread.close()


def gone_long_ago(store: Store) -> None:
    """A process whose last sign is an hour old."""
    with store.writing() as tx:
        heartbeats.beat(tx, "run", "run of a machine", store.now(tx) - 3600)


def open_alerts(store: Store) -> list[str]:
    with store.reading() as tx:
        return [key for key, each in alerts.known(tx).items() if each.is_open]


def test_nobody_is_called_gone_just_after_the_store_was_away(file_url: str, open_store: Callable[[str], Store]) -> None:
    """While it was, nobody could give a sign."""
    store = open_store(file_url)
    gone_long_ago(store)
    turn = AlertTurn(build(), store)
    turn.doubt()
    turn.take()
    assert open_alerts(store) == []

    turn.in_doubt_until = 0.0
    turn.take()
    assert open_alerts(store) == ["fleet gone: run"]
    turn.doubt()
    turn.take()
    assert open_alerts(store) == ["fleet gone: run"]  # which is as little over as it would be new


@pytest.mark.parametrize("trouble", ["the store fails", "the store takes its time", "the process stands still"])
def test_who_looks_doubts_the_signs_after_trouble_with_the_store_or_itself(
    file_url: str, open_store: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    store, take, taken = open_store(file_url), AlertTurn.take, []
    gone_long_ago(store)

    def failing_once(turn: AlertTurn, until: Callable[[], bool]) -> bool:
        taken.append(until)
        if len(taken) == 1 and trouble == "the store fails":
            raise StoreError("away")
        return len(taken) > 1 and take(turn, until)

    monkeypatch.setattr(AlertTurn, "take", failing_once)
    if trouble == "the store takes its time":
        monkeypatch.setattr(turns, "LATE_SECONDS", -1.0)
    if trouble == "the process stands still":
        monkeypatch.setattr(watch, "LATE_SECONDS", -1.0)
    thread = AlertThread(build(), store, every_seconds=0.05).start()
    eventually(lambda: len(taken) > 3)
    thread.close()
    assert open_alerts(store) == []


def test_a_machine_that_slept_calls_nobody_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steady clock sleeps as well, so that nobody who wakes knows of it by that."""
    asleep, there = [0.0], store.now
    monkeypatch.setattr(store, "now", lambda tx: there(tx) + asleep[0])
    with store.writing() as tx:
        heartbeats.beat(tx, "run", "run of a machine", store.now(tx))
    turn = AlertTurn(build(), store)
    turn.take()
    asleep[0] = 3600.0
    turn.take()
    turn.take()
    assert open_alerts(store) == []

    turn.in_doubt_until = 0.0
    turn.take()
    assert open_alerts(store) == ["fleet gone: run"]
