"""How long a queue waits for the former ones: until they are drained, but not for what somebody goes on publishing."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from connector.broker.envelope import Door
from tasks.reader import queue_thread
from tasks.reader.message_buffer import MessageBuffer
from tasks.reader.queue_thread import Reading

PATIENCE_SECONDS = 0.2


class Leases:
    """This reader has the lease."""

    def lease_of(self, _queue: str) -> str:
        return "me"


class Former:
    """A consumer that sees so many messages wait in a former queue, one number each time that it looks."""

    def __init__(self, counts: Iterator[int]) -> None:
        self._counts = counts
        self.last = 1
        self.looks = 0

    def waiting(self, _queue: str) -> int:
        self.looks += 1
        self.last = next(self._counts, 0)
        return self.last

    def is_drained(self, _queue: str) -> bool:
        return not self.last

    def keep_alive(self, *, reading: bool) -> None:
        assert reading


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reading]:
    monkeypatch.setattr(queue_thread, "_FORMER_SECONDS", PATIENCE_SECONDS)
    monkeypatch.setattr(queue_thread, "_ALONE_SECONDS", 0.01)
    leases: Any = Leases()
    buffer = MessageBuffer("today", Door("native", False, False, 1000), threading.Condition())
    yield Reading("amqp://", ["today", "of-old"], buffer, leases, 100, (), ["of-old"])
    for each in (buffer.wake, buffer._ring):
        each.close()


def wait(reading: Reading, former: Former) -> None:
    consumer: Any = former
    reading._until_former_are_drained(consumer, "me", threading.Event())


def test_it_waits_as_long_as_fewer_and_fewer_messages_wait_there(reading: Reading) -> None:
    """Fifty looks take longer than it waits where nothing becomes less."""
    former = Former(iter(range(50, 0, -1)))
    wait(reading, former)
    assert former.last == 0


def test_it_does_not_wait_for_ever_for_what_does_not_become_less(reading: Reading) -> None:
    former = Former(iter(lambda: 7, 0))
    wait(reading, former)
    assert former.last == 7


def test_it_does_not_wait_where_nothing_is_left(reading: Reading) -> None:
    former = Former(iter(()))
    wait(reading, former)
    assert former.looks == 1
