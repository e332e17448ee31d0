"""Gives queues the arguments of this version: moves their messages aside, declares them anew, moves the messages back.

Nobody may publish or read meanwhile: RabbitMQ confirms and drops what is published while a queue is not there. Within
these bounds nothing is lost and no order changes, whatever moment this is broken off at. Run again, it goes on: what
stands aside is older than what is in a queue that is still to be declared anew, and younger than what is in a new one.
"""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import NamedTuple

from amqp import Connection
from amqp.exceptions import ConsumerCancelled

from connector.broker import connecting, declaring, refusals
from connector.broker.connecting import BrokerAddress
from connector.broker.consumer import Consumer
from connector.broker.copying import Copier
from connector.broker.declaring import ArgumentDifference
from connector.broker.depth import counts
from connector.errors import ConnectorError

_ASIDE = "-moving"
_PREFETCHED = 500
_LOOK_SECONDS = 0.5
_QUIET_SECONDS = 2.0
_CANCEL_SECONDS = 10.0


class QueueState(NamedTuple):
    """A queue as it is: waiting messages, consumers, differences, and messages aside of a move that was broken off."""

    name: str
    there: bool
    messages: int = 0
    consumers: int = 0
    differences: tuple[ArgumentDifference, ...] = ()
    aside: int | None = None

    @property
    def is_as_declared(self) -> bool:
        """Says whether there is nothing to do."""
        return not self.differences and self.aside is None


def look(broker: BrokerAddress, names: Iterable[str]) -> list[QueueState]:
    """Returns the state of each queue, and changes nothing. Raises ConnectorError if RabbitMQ does not answer."""
    with _copier(broker) as copier:
        return [_state(copier.connection, broker, name) for name in names]


def _state(connection: Connection, broker: BrokerAddress, name: str) -> QueueState:
    found, aside = counts(connection, name), counts(connection, name + _ASIDE)
    waits = None if aside is None else aside[0]
    if found is None:
        return QueueState(name, there=False, aside=waits)
    differences = declaring.declare(connection, name, connecting.url(broker))
    return QueueState(name, True, *found, differences, waits)


def renew(broker: BrokerAddress, name: str, alive: Callable[[], None] = lambda: None) -> int:
    """Gives the queue the arguments of this version. Returns how many messages were moved.

    Raises ConnectorError, with what to do, if somebody reads the queue or publishes to it, or RabbitMQ does not answer.

    Args:
        broker: Where the queue is.
        name: The queue.
        alive: Called again and again meanwhile.
    """
    aside, moved = name + _ASIDE, 0
    with _copier(broker) as copier:
        state = _state(copier.connection, broker, name)
        if state.is_as_declared:
            return 0
        _check_idle(copier.connection, state)
        url = connecting.url(broker)
        if state.differences:
            declaring.declare(copier.connection, aside, url)
            moved += _emptied(copier, broker, name, aside, alive)
        declaring.declare(copier.connection, name, url)
        back = _emptied(copier, broker, aside, name, alive)
        return max(moved, back)


def _check_idle(connection: Connection, state: QueueState) -> None:
    if state.consumers:
        raise ConnectorError(f"{state.consumers} consumer(s) read the queue {state.name}: end all workers first")
    sleep(_QUIET_SECONDS)
    if counts(connection, state.name) not in {None, (state.messages, 0)}:
        raise ConnectorError(
            f"somebody publishes to the queue {state.name}, or reads it: stop whoever does until this is done. "
            "Messages that are published while the queue is made anew would be lost"
        )


def _emptied(copier: Copier, broker: BrokerAddress, source: str, target: str, alive: Callable[[], None]) -> int:
    """Moves all messages of a queue to another, and deletes it. Returns their number."""
    consumer = Consumer(broker, [source])
    try:
        consumer.consume(_PREFETCHED)
        moved = 0
        while (count := _moved(copier, consumer, target)) or consumer.waiting(source):
            moved += count
            alive()
        copier.connection.channel().queue_delete(source)
        return moved + _last(copier, consumer, target)
    finally:
        consumer.close()


def _moved(copier: Copier, consumer: Consumer, target: str) -> int:
    """Moves the messages that come next. Returns their number, zero if none came."""
    never, other = socket.socketpair()
    with never, other:
        consumer.keep_alive(reading=True)
        if not consumer.wait(never, _LOOK_SECONDS, reading=True):
            return 0
        deliveries = consumer.receive()
    copier.copy(target, deliveries)
    if deliveries:
        consumer.acknowledge(deliveries[-1].tag)
    return len(deliveries)


def _last(copier: Copier, consumer: Consumer, target: str) -> int:
    """Moves what came between the last look and the end of the queue. RabbitMQ says the end behind it."""
    end, moved = monotonic() + _CANCEL_SECONDS, 0
    while monotonic() < end:
        try:
            moved += _moved(copier, consumer, target)
        except ConsumerCancelled:
            break
    last = consumer.delivered()
    copier.copy(target, last)
    return moved + len(last)


@contextmanager
def _copier(broker: BrokerAddress) -> Iterator[Copier]:
    try:
        with Copier(broker) as copier:
            yield copier
    except connecting.UNREACHABLE as error:
        raise ConnectorError(refusals.advice(error, broker, "")) from error
