"""How readers share the queues out while the broker is away: a queue is left also by who could not read it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import pytest

from connector.broker.envelope import Door
from connector.settings.sections import BrokerSettings
from connector.store.engine import Store
from tasks.reader import queue_leases
from tasks.reader.message_buffer import MessageBuffer
from tasks.reader.queue_leases import QueueLeases
from tasks.reader.queue_thread import Reading, thread
from tests.servers import eventually

NOBODY = "amqp://guest:guest@127.0.0.1:9//"
NAMES = ["first", "second"]


@contextmanager
def reading(its: QueueLeases) -> Iterator[None]:
    """Threads that read what the shares give them, from a broker that is not there."""
    stop, arrived, broker = threading.Event(), threading.Condition(), BrokerSettings(url=NOBODY)
    buffers = [MessageBuffer(name, Door("native", False, False, 1000), arrived) for name in NAMES]
    threads = [thread(Reading(broker, [buffer.queue], buffer, its, 10).run, buffer.queue, stop) for buffer in buffers]
    try:
        yield
    finally:
        stop.set()
        for each in threads:
            each.join(20)
        for end in (end for buffer in buffers for end in vars(buffer).values() if isinstance(end, socket)):
            end.close()


def test_a_queue_to_be_left_that_the_broker_keeps_from_being_read_goes_to_the_next_reader(store: Store) -> None:
    one, two = QueueLeases(store, "one", [NAMES]), QueueLeases(store, "two", [NAMES])
    one.look()
    assert all(map(one.lease_of, NAMES))

    def shared() -> bool:
        for each in (two, one):
            each.look()
        return any(map(two.lease_of, NAMES)) and any(map(one.lease_of, NAMES))

    with reading(one):
        eventually(shared, 10.0, every=0.1)


def test_a_reader_looks_at_once_when_another_has_moved_a_lease_and_seldom_otherwise(store: Store) -> None:
    one, two = QueueLeases(store, "one", [NAMES]), QueueLeases(store, "two", [NAMES])
    assert one.is_due()
    one.look()
    assert not one.is_due()
    assert one.pause() == queue_leases.PEEK_SECONDS
    two.look()
    assert one.is_due()
    one.look()
    assert one.pause() == queue_leases.RESTLESS_SECONDS
    left = next(name for name in NAMES if one.lease_of(name) is None)
    assert not one.is_due()
    one.leave_unread(left)
    assert one.is_due()
    one.look()
    assert two.is_due()
    two.look()
    assert two.lease_of(left)
    one.look()
    assert (one.pause(), two.pause()) == (queue_leases.PEEK_SECONDS, queue_leases.PEEK_SECONDS)
    two.end()
    assert one.is_due()


def test_readers_that_disagree_for_long_do_not_ask_all_the_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_leases, "_RESTLESS_FOR_SECONDS", 0.0)
    one, two = QueueLeases(store, "one", [NAMES]), QueueLeases(store, "two", [["third"], NAMES])
    for each in (one, two, one):
        each.look()
    assert one.pause() == queue_leases.PEEK_SECONDS
