"""Messages in a queue that is named no more: a problem says so, and named as a former queue it is read first."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from connector.broker import queues
from connector.settings.sections import IntakeSettings
from connector.store import intake_queues, named_leases
from connector.store import problems as kept_problems
from connector.store.engine import Store
from tasks.reader import minute_watch
from tasks.reader.unread_queues import UnreadQueues
from tests.integration.test_queue import QUICK, Fleet, environment, publish
from tests.servers import RabbitMQ, eventually
from tests.simulated import Simulated
from tests.world import message, problems

QUEUE, SHARD, LOADS = "segment-changes", "segment-changes-1", "segment-changes-backfill-1"
SHARDED = IntakeSettings(shards=2)


@pytest.fixture
def channel(broker_url: str, rabbitmq: RabbitMQ) -> Iterator[Any]:
    """A channel that publishes with confirmations; the second shards' queues are gone afterwards."""
    with Connection(broker_url, transport_options={"confirm_publish": True}) as connection:
        yield connection.channel()
    rabbitmq.delete_queues(SHARD, LOADS)


@pytest.fixture
def look(store: Store, broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Looks as the reader does, by settings; gives the queues that there is a problem of."""
    monkeypatch.setattr(minute_watch, "_LOOK_SECONDS", 0.0)
    watches: dict[IntakeSettings, UnreadQueues] = {}

    def look(intake: IntakeSettings) -> list[str]:
        watches.setdefault(intake, UnreadQueues(store, broker_url, intake)).look()
        with store.reading() as tx:
            return [each.problem.subject for each in kept_problems.of_every_sync(tx, "queue unread")]

    return look


def declare(channel: Any, *names: str) -> None:
    for name in names:
        queues.queue(name, "amqp://")(channel).declare()


def waits(channel: Any, name: str) -> int:
    """How many messages wait there, once RabbitMQ has counted what was confirmed."""
    return int(channel.queue_declare(name, passive=True).message_count)


def leave(channel: Any, name: str) -> None:
    """Leaves a message in a queue."""
    publish(channel, name, "{}")
    eventually(lambda: waits(channel, name) == 1)


def known(store: Store) -> dict[str, bool]:
    with store.reading() as tx:
        return intake_queues.known(tx)


# --- what is said ----------------------------------------------------------------------------------------------------


def test_messages_left_in_a_shard_that_was_taken_away_are_a_problem_until_somebody_takes_them(
    store: Store, channel: Any, look: Callable[..., list[str]]
) -> None:
    declare(channel, SHARD)
    assert look(SHARDED) == []
    leave(channel, SHARD)
    assert look(IntakeSettings()) == [SHARD]
    (problem,) = problems(store)
    assert "name it in [intake] former_queues, and restart the workers" in problem["reason"]
    assert look(IntakeSettings()) == [SHARD], "it is one problem, however often somebody looks"
    channel.queue_purge(SHARD)
    assert look(IntakeSettings()) == []


def test_of_bulk_loads_the_problem_names_their_own_key(
    store: Store, channel: Any, look: Callable[..., list[str]]
) -> None:
    declare(channel, LOADS)
    look(SHARDED)
    leave(channel, LOADS)
    assert look(IntakeSettings()) == [LOADS]
    assert "[intake] former_backfill_queues," in problems(store)[0]["reason"]


@pytest.mark.parametrize("intake", [SHARDED, IntakeSettings(former_queues=(SHARD,))], ids=["shard", "former queue"])
def test_a_queue_that_is_named_is_no_problem(
    channel: Any, look: Callable[..., list[str]], intake: IntakeSettings
) -> None:
    declare(channel, SHARD)
    look(SHARDED)
    leave(channel, SHARD)
    assert look(intake) == []


def test_a_queue_that_a_reader_of_other_settings_reads_is_no_problem(
    store: Store, channel: Any, look: Callable[..., list[str]]
) -> None:
    declare(channel, SHARD)
    look(SHARDED)
    leave(channel, SHARD)
    with store.writing() as tx:
        named_leases.take(tx, f"{named_leases.QUEUE}{SHARD}", "another/1", store.now(tx), 60.0)
    assert look(IntakeSettings()) == []


def test_a_queue_that_rabbitmq_has_no_more_is_forgotten(store: Store, look: Callable[..., list[str]]) -> None:
    look(SHARDED)
    assert known(store) == {QUEUE: False, SHARD: False, f"{QUEUE}-backfill": True, LOADS: True}
    look(IntakeSettings())
    assert known(store) == {QUEUE: False, f"{QUEUE}-backfill": True}


# --- what is read ----------------------------------------------------------------------------------------------------


def test_a_former_queue_that_is_a_queue_of_today_is_read_as_such() -> None:
    intake = IntakeSettings(shards=2, former_queues=(SHARD, "of-old", "changes"))
    assert queues.former(intake, backfill=False) == ["of-old"]
    assert queues.names(intake).count(SHARD) == 1


def test_what_was_left_in_a_former_queue_is_taken_in_before_what_came_later(
    tmp_path: Path,
    database: str,
    broker_url: str,
    channel: Any,
    simulator: Simulated,
    open_store: Callable[[str], Store],
) -> None:
    """Without versions: whatever is taken in last counts."""
    store = open_store(database)
    environ = environment(
        tmp_path, simulator, store=database, broker={"url": broker_url}, delivery=QUICK, intake={"format": "native"}
    )
    people = [f"u{number}" for number in range(300)]
    declare(channel, QUEUE, SHARD)
    with store.writing() as tx:
        intake_queues.remember(tx, {SHARD: False})
    for name in people:
        publish(channel, SHARD, json.dumps(message(name, plan="old")))
        publish(channel, QUEUE, json.dumps(message(name, plan="new")))
    fleet = Fleet(tmp_path, environ | {"CONNECTOR__INTAKE__FORMER_QUEUES": json.dumps([SHARD])}, broker_url)
    worker = fleet.start()
    try:
        fleet.until(lambda: simulator.people() == {name: {"plan": "new"} for name in people})
        assert worker.said.index(f'"{QUEUE} is read once') < worker.said.index(
            f'"queue": "{QUEUE}", "event": "reading"'
        )
        assert (waits(channel, SHARD), waits(channel, QUEUE)) == (0, 0), worker.said
        with store.reading() as tx:
            assert kept_problems.of_every_sync(tx, "queue unread") == []
            assert kept_problems.by_kind(tx) == {}, worker.said
        assert worker.end() == 0
    finally:
        worker.popen.kill()
        worker.popen.wait()
