"""What is said of a held queue ends with the hold, whichever reader ends it."""

from collections.abc import Callable

import pytest

from connector.alerts.turn import AlertTurn
from connector.broker import queues
from connector.model.problem import EVERY_SYNC, Problem
from connector.settings.sections import IntakeSettings
from connector.store import alerts, named_leases
from connector.store import problems as kept_problems
from connector.store.engine import Store
from tasks.reader import minute_watch
from tasks.reader.held_queue import Hold
from tasks.reader.unnamed_queues import UnnamedQueues
from tests.build_settings import build
from tests.world import problems

QUEUE = "segment-changes"


@pytest.fixture
def watch(store: Store, monkeypatch: pytest.MonkeyPatch) -> UnnamedQueues:
    """Who looks, as often as it is asked to, with the settings as they are shipped."""
    monkeypatch.setattr(minute_watch, "_LOOK_SECONDS", 0.0)
    return UnnamedQueues(store, queues.names(IntakeSettings()))


def hold(store: Store, *names: str) -> None:
    for name in names:
        Hold(store, name).begin("the disk is full", 3)


def told(store: Store) -> list[str]:
    return sorted(each["subject"] for each in problems(store))


def test_a_hold_whose_reader_died_is_over_once_the_next_one_takes_in(
    file_url: str, open_store: Callable[[str], Store]
) -> None:
    store = open_store(file_url)
    Hold(store, QUEUE).begin("the disk is full", 3)
    Hold(store, "changes").begin("the disk is full", 3)
    Hold(store, QUEUE).end(1)
    assert [each["subject"] for each in problems(store)] == ["changes"], "the hold of another queue is another one's"


def test_a_hold_that_another_reader_noted_is_over_once_the_queue_came_back(
    file_url: str, open_store: Callable[[str], Store]
) -> None:
    store = open_store(file_url)
    reader = Hold(store, QUEUE)
    reader.end(1)
    Hold(store, QUEUE).begin("the disk is full", 3)
    reader.end(3)
    assert problems(store) == []


def test_what_is_said_of_a_queue_ends_where_the_settings_no_longer_name_it(store: Store, watch: UnnamedQueues) -> None:
    hold(store, QUEUE, f"{QUEUE}-1", "of-old", "changes")
    with store.writing() as tx:
        kept_problems.add(tx, EVERY_SYNC, [Problem("queue arguments", "of-old", "others")], store.now(tx))
        kept_problems.add(tx, EVERY_SYNC, [Problem("source", "of-old", "a source of that name")], store.now(tx))
    watch.look()
    assert told(store) == ["changes", "of-old", QUEUE]
    assert [each["kind"] for each in problems(store) if each["subject"] == "of-old"] == ["source"]


def test_the_alert_of_a_queue_that_was_renamed_while_it_was_held_is_over(store: Store, watch: UnnamedQueues) -> None:
    hold(store, "of-old")
    turn = AlertTurn(build(alerts={"recover_seconds": 0.0}), store)
    turn.take()
    watch.look()
    turn.take()
    with store.reading() as tx:
        known = alerts.known(tx)
    assert not known["queue held: of-old"].is_open


def test_a_queue_that_a_reader_of_other_settings_still_reads_is_left_to_it(store: Store, watch: UnnamedQueues) -> None:
    hold(store, "of-old")
    with store.writing() as tx:
        named_leases.take(tx, f"{named_leases.QUEUE}of-old", "old/1", store.now(tx), 12.0)
    watch.look()
    assert told(store) == ["of-old"]
    with store.writing() as tx:
        named_leases.give_back_all(tx, "old/")
    watch.look()
    assert told(store) == []


def test_what_is_said_again_of_a_queue_without_a_name_ends_again(store: Store, watch: UnnamedQueues) -> None:
    for _ in range(2):
        hold(store, "of-old")
        watch.look()
        assert told(store) == []
