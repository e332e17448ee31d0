"""Connections, outsiders and the sweep, on SQLite and on PostgreSQL."""

from math import inf
from typing import Any

import pytest
from sqlalchemy import text

from connector import formats
from connector.admin import retention
from connector.delivery import sweep
from connector.intake.accept import accept
from connector.store import claims, connection_health, entities, overview
from connector.store.connection_health import Health
from connector.store.engine import Store
from tests.build_settings import rules
from tests.world import event, message

NOW = 4_000_000_000.0
DAY = 24 * 3600.0


def take(store: Store, *messages: dict[str, Any]) -> None:
    accept(store, [rules()], formats.parse("native", list(messages)))


def keys(store: Store) -> list[str]:
    with store.reading() as tx:
        return list(tx.execute(text("SELECT key FROM entity ORDER BY key")).scalars())


def later(store: Store, seconds: float) -> None:
    """Lets time pass: everything was written so much longer ago."""
    with store.writing() as tx:
        tx.execute(text("UPDATE entity SET updated_at = updated_at - :seconds"), {"seconds": seconds})


# ---- Outsiders -------------------------------------------------------------------------------------------------------


def test_an_older_message_cannot_bring_an_outsider_in(store: Store) -> None:
    take(store, message("u1", 2, segments=[]))
    take(store, message("u1", 1))

    with store.reading() as tx:
        assert claims.due_count(tx, "main") == 0


def test_outsiders_are_forgotten_after_a_day_of_silence(store: Store) -> None:
    take(store, message("u1", 1, segments=[]), message("u2", 1, segments=[]), message("u3", 1))
    later(store, DAY - 60)
    assert retention.forget_outsiders(store) == 0
    take(store, message("u2", 2, segments=["Other"]))
    later(store, 120)

    assert retention.forget_outsiders(store) == 1
    assert keys(store) == ["u2", "u3"]


def test_who_ever_was_in_the_audience_is_not_forgotten(store: Store) -> None:
    take(store, message("u1", 1))
    take(store, message("u1", 2, segments=[]))
    later(store, 30 * DAY)

    assert retention.forget_outsiders(store) == 0
    take(store, message("u1", 1, plan="gold"))
    with store.writing() as tx:
        assert entities.load(tx, "main", ["u1"])["u1"].facts.newest() == 2


def test_a_message_that_says_nothing_new_of_a_stranger_leaves_a_row_that_is_soon_forgotten(store: Store) -> None:
    take(store, {"user": {"id": "u1"}})
    retention.forget_outsiders(store)

    assert keys(store) == []


# ---- Connections -----------------------------------------------------------------------------------------------------


def health(store: Store) -> Health:
    with store.reading() as tx:
        return connection_health.health(tx, "main")


def pause(store: Store, given: Health) -> None:
    with store.writing() as tx:
        connection_health.pause(tx, "main", given)


def test_a_connection_nobody_spoke_of_is_well(store: Store) -> None:
    assert health(store) == Health()
    assert not health(store).paused(NOW, "key")


def test_a_pause_ends_by_itself(store: Store) -> None:
    pause(store, Health(NOW + 5, "Customer.io answered 503", 2))

    assert health(store) == Health(NOW + 5, "Customer.io answered 503", 2)
    assert [health(store).paused(at, "key") for at in (NOW, NOW + 4.9, NOW + 5)] == [True, True, False]


def test_a_pause_for_a_human_ends_with_other_credentials_only(store: Store) -> None:
    pause(store, Health(inf, "Customer.io answered 401", 1, "old"))

    assert health(store).paused(NOW + 10 * DAY, "old")
    assert not health(store).paused(NOW, "new")


def test_other_credentials_end_no_pause_that_they_did_not_cause(store: Store) -> None:
    pause(store, Health(NOW + 5, "Customer.io answered 429", 1, ""))

    assert health(store).paused(NOW, "new")


def test_a_newer_pause_replaces_the_older(store: Store) -> None:
    pause(store, Health(inf, "Customer.io answered 401", 1, "old"))
    pause(store, Health(NOW + 5, "Customer.io answered 503", 2))

    assert health(store) == Health(NOW + 5, "Customer.io answered 503", 2)


def test_a_resume_ends_everything_and_tells_whether_there_was_anything(store: Store) -> None:
    pause(store, Health(inf, "Customer.io answered 401", 3, "old"))
    with store.writing() as tx:
        assert connection_health.resume(tx, "main")
        assert not connection_health.resume(tx, "main")
        assert not connection_health.resume(tx, "other")

    assert health(store) == Health()


def test_a_human_who_ends_a_pause_ends_none_that_is_over_and_lets_stand_since_when_it_fails(store: Store) -> None:
    pause(store, Health(NOW + 5, "Customer.io answered 503", 3, since=NOW))
    with store.writing() as tx:
        assert connection_health.let_try(tx, "main")
        assert not connection_health.let_try(tx, "main")
        assert connection_health.health(tx, "main") == Health(None, "Customer.io answered 503", 1, since=NOW)
        assert connection_health.resume(tx, "main")
        assert not connection_health.let_try(tx, "main")
        assert not connection_health.let_try(tx, "other")

    assert health(store) == Health()


def test_turns_are_as_far_apart_as_the_pace_asks(store: Store) -> None:
    with store.writing() as tx:
        waits = [connection_health.take_turn(tx, "main", 0.1, NOW) for _ in range(4)]
        other = connection_health.take_turn(tx, "other", 0.1, NOW)
        rested = connection_health.take_turn(tx, "main", 0.1, NOW + 10)

    assert waits == pytest.approx([0, 0.1, 0.2, 0.3], abs=1e-5)
    assert (other, rested) == (0, 0)


def test_a_turn_taken_is_not_given_back_by_a_pause(store: Store) -> None:
    with store.writing() as tx:
        connection_health.take_turn(tx, "main", 0.5, NOW)
        connection_health.pause(tx, "main", Health(NOW, "Customer.io answered 503", 1))
        assert connection_health.take_turn(tx, "main", 0.5, NOW) == pytest.approx(0.5, abs=1e-5)


# ---- The sweep -------------------------------------------------------------------------------------------------------


def test_the_sweep_finds_what_a_lost_doorbell_left(store: Store) -> None:
    assert sweep.overdue(store, [rules()]) == []
    take(store, message("u1", 1))
    assert sweep.overdue(store, [rules()]) == ["main"]
    assert sweep.overdue(store, [rules(deliver=False)]) == []
    with store.writing() as tx:
        claims.claim(tx, "main", "lease", 10, NOW, 60)

    assert sweep.overdue(store, [rules()]) == []


def test_the_overview_counts(store: Store) -> None:
    take(store, message("1", 1, event("Signed up", "e1"), external_id="u1"), message("2", 1, external_id="u1"))
    with store.reading() as tx:
        found = overview.of(tx, "main")

    assert (found.people, found.due, found.events_owed, found.waiting_for_identifier) == (0, 1, 1, 1)
    assert found.tallies["events accepted"] == 1


def test_who_is_made_due_is_due(store: Store) -> None:
    take(store, message("u1", 1, segments=[]))
    with store.writing() as tx:
        entities.make_due(tx, "main", ["u1", "nobody"], NOW)
        assert claims.due_count(tx, "main") == 1
