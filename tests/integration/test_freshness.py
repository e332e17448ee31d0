"""A promise of freshness: what the store knows of who entered before when, and what stands in the way."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, text, update

from connector import formats
from connector.admin.status import gathered
from connector.alerts.freshness import Promise, promises
from connector.audience.rules import Rules
from connector.customerio.credentials import fingerprint
from connector.intake.accept import accept
from connector.model.problem import EVERY_SYNC, Problem
from connector.settings.schema import Settings
from connector.store import connection_health, entities, freshness, heartbeats, problems
from connector.store.connection_health import Health
from connector.store.engine import Store
from tests.build_settings import build
from tests.world import message

PROMISED = {"within_seconds": 60.0, "segments": {"Paying": 30.0, "Trial": 30.0}}


def settings_of(**sync: Any) -> Settings:
    return build(sync={"segments": ["Paying", "Trial", "Staff"], "freshness": PROMISED, **sync})


def take(store: Store, *messages: dict[str, Any], seconds_ago: float = 0.0) -> None:
    """Takes messages in, as if that had been some time ago."""
    accept(store, Rules.all_of(settings_of()), formats.parse("native", list(messages)))
    keys = [each["user"]["id"] for each in messages]
    with store.writing() as tx:
        mine = entities.TABLE.c.key.in_(keys)
        tx.execute(update(entities.TABLE).where(mine).values(due_at=entities.TABLE.c.due_at - seconds_ago))


def behind(store: Store, **sync: Any) -> dict[str, float]:
    """How far behind each promise is, to ten seconds."""
    return {each.segment: round(each.seconds, -1) for each in found(store, **sync)}


def found(store: Store, **sync: Any) -> list[Promise]:
    with store.reading() as tx:
        return promises(settings_of(**sync), tx, store.now(tx))


def test_where_nobody_waits_everybody_is_in_customerio(store: Store) -> None:
    assert behind(store) == {"": 0, "Paying": 0, "Trial": 0}
    assert [each.broken for each in found(store)] == [False, False, False]


def test_each_segment_is_as_fresh_as_who_entered_it(store: Store) -> None:
    take(store, message("u1", 1, segments=["Trial"]), seconds_ago=100)
    take(store, message("u2", 1, segments=["Paying"]), seconds_ago=20)
    take(store, message("u3", 1, segments=["Staff"]), seconds_ago=1000)
    assert behind(store) == {"": 1000, "Paying": 20, "Trial": 100}
    assert {each.segment: each.broken for each in found(store)} == {"": True, "Paying": False, "Trial": True}
    assert found(store)[2].sentence.startswith("main: everybody who entered or left Trial before ")
    assert found(store)[2].sentence.endswith(" UTC is in Customer.io; promised within 30.0 s: broken")


def test_who_left_a_segment_counts_for_it(store: Store) -> None:
    take(store, message("u1", 1, segments=["Trial", "Paying"]))
    with store.writing() as tx:
        tx.execute(
            text("UPDATE entity SET delivered = :held, due_at = NULL"), {"held": '[["id","u1"],{"s":["trial"]}]'}
        )
    take(store, message("u1", 2, segments=["Paying"], plan="pro"), seconds_ago=50)
    assert behind(store) == {"": 50, "Paying": 50, "Trial": 50}


def test_of_more_who_are_due_than_are_looked_at_the_rest_counts_for_every_segment(store: Store) -> None:
    take(store, *(message(f"u{each}", 1, segments=["Staff"]) for each in range(3)), seconds_ago=200)
    take(store, message("u9", 1, segments=["Paying"]), seconds_ago=100)
    with store.reading() as tx:
        few, all_ = freshness.longest_due(tx, "main", 2), freshness.longest_due(tx, "main")
    assert len(few.rows) == 2
    assert few.complete_until is not None
    assert (len(all_.rows), all_.complete_until) == (4, None)


def test_bulk_loads_break_no_promise(store: Store) -> None:
    take(store, message("u1", 1), seconds_ago=1000)
    with store.writing() as tx:
        tx.execute(text("UPDATE entity SET lane = 3"))
    assert behind(store) == {"": 0, "Paying": 0, "Trial": 0}


def test_who_fails_alone_waits_since_their_change_and_not_since_the_last_try(store: Store) -> None:
    take(store, message("u1", 1))
    with store.writing() as tx:
        now = store.now(tx)
        tx.execute(text("UPDATE entity SET attempts = 3, due_at = :at, updated_at = :at - 500"), {"at": now + 60 - 60})
    assert behind(store) == {"": 500, "Paying": 500, "Trial": 0}


def test_while_customerio_fails_each_try_does_not_begin_the_wait_anew(store: Store) -> None:
    with store.writing() as tx:
        now, used = store.now(tx), fingerprint(settings_of().connections["main"])
        connection_health.pause(tx, "main", Health(now + 60, "Customer.io answered 503", 9, used, now - 300))
    assert behind(store)[""] == 0  # nobody waits
    take(store, message("u1", 1))
    assert behind(store) == {"": 300, "Paying": 300, "Trial": 0}
    assert "broken (main is paused: Customer.io answered 503)" in found(store)[0].sentence


@pytest.mark.parametrize("halt", ["no worker lives", "the queue segment-changes is held"])
def test_what_is_not_taken_in_is_not_said_to_be_there(store: Store, halt: str) -> None:
    with store.writing() as tx:
        at = store.now(tx) - 90
        if "worker" in halt:
            heartbeats.beat(tx, "worker", "worker host-1 1", at)
        else:
            problems.add(tx, EVERY_SYNC, [Problem("queue", "segment-changes", "the disk is full")], at)
    assert behind(store) == {"": 90, "Paying": 90, "Trial": 90}
    assert halt in found(store)[0].sentence


def test_a_broken_promise_needs_somebody_and_status_says_so(store: Store) -> None:
    take(store, message("u1", 1), seconds_ago=70)
    said = gathered(settings_of(), store, None, 300.0)
    assert (said["state"], said["needs_somebody"]) == ("gone", True)  # and nobody runs here
    assert "promised within 1 min: broken" in said["sentence"]
    assert [each["broken"] for each in said["freshness"]] == [True, True, False]


def test_a_sync_that_does_not_deliver_promises_nothing(store: Store) -> None:
    assert found(store, deliver=False) == []


def test_one_look_at_the_index_is_enough(database: str, open_store: Callable[[str], Store]) -> None:
    store, asked = open_store(database), list[tuple[str, Any]]()
    take(store, *(message(f"u{each}", 1) for each in range(2000)))
    event.listen(store.engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    with store.reading() as tx:
        freshness.oldest(tx, "main")
        freshness.longest_due(tx, "main")
        looks = [each for each in asked if "FROM entity" in each[0]]
        plans = ["\n".join(tx.exec_driver_sql(f"EXPLAIN {look}", given).scalars()) for look, given in looks]
    assert len(plans) == 5
    assert [plan for plan in plans if "Seq Scan on entity" in plan or "entity_" not in plan] == []
