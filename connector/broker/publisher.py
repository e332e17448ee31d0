"""Publishes to the intake queue as upstream does: pipelined, and each message confirmed by the broker.

A message that was not confirmed when its connection broke is published again: it arrives at least once.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from time import sleep
from typing import Any, NamedTuple

import structlog
from amqp import Message
from amqp.exceptions import AMQPError
from kombu import Connection
from kombu.exceptions import KombuError

from connector.broker import connecting, declaring, queues
from connector.broker.connecting import BrokerAddress
from connector.errors import ConnectorError, SettingsError

log = structlog.get_logger(__name__)

_BROKEN = (AMQPError, KombuError, OSError)
_CONNECT_SECONDS = 5.0
_CONFIRM_SECONDS = 30.0
_WINDOW = 500
_REFUSED_SECONDS = 1.0
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 5.0
_PERSISTENT = 2


class Outgoing(NamedTuple):
    """A body, and the queue that it goes to."""

    queue: str
    body: bytes


OutgoingBody = bytes | Outgoing
"""A body of the publisher's first queue, or of a queue that it names."""


class ConfirmWindow:
    """The messages of one run: still to be published, on their way, or confirmed."""

    def __init__(self, bodies: Iterable[OutgoingBody]) -> None:
        """Takes the bodies one after the other, as there is room."""
        self._source = iter(bodies)
        self._again: deque[OutgoingBody] = deque()
        self._flying: dict[int, OutgoingBody] = {}
        self._number = 0
        self.confirmed = 0
        self.repeated = 0
        self.refused = False

    @property
    def flying(self) -> int:
        """The number of messages that are published and not confirmed."""
        return len(self._flying)

    def take(self) -> OutgoingBody | None:
        """Returns the next message to publish, None if there is no other. It counts as on its way from now on."""
        body = self._again.popleft() if self._again else next(self._source, None)
        if body is not None:
            self._number += 1
            self._flying[self._number] = body
        return body

    def confirm(self, number: int, up_to: bool) -> None:
        """Notes that the broker holds the message of this number on the channel, or all messages up to it."""
        self.confirmed += len(self._land(number, up_to))

    def refuse(self, number: int, up_to: bool) -> None:
        """Notes that the broker did not take a message, perhaps because the queue is full. It is published again."""
        self.refused = True
        self._repeat(self._land(number, up_to))

    def start_channel(self) -> None:
        """Notes a new channel, on which the broker counts from one. What was on its way is published again."""
        self._number = 0
        self._repeat(self._land(max(self._flying, default=0), up_to=True))

    def _land(self, number: int, up_to: bool) -> list[OutgoingBody]:
        numbers = list(takewhile(lambda each: each <= number, self._flying)) if up_to else [number]
        return [self._flying.pop(each) for each in numbers]

    def _repeat(self, bodies: list[OutgoingBody]) -> None:
        self._again.extend(bodies)
        self.repeated += len(bodies)


class Publisher:
    """Publishes to a queue of RabbitMQ, or to the shards of one."""

    def __init__(self, broker: BrokerAddress, *names: str, window: int = _WINDOW) -> None:
        """Opens nothing yet. Raises SettingsError if the broker is not RabbitMQ.

        Args:
            broker: Where it is.
            names: The queues' names. They are declared as the workers declare them, unless they are there.
            window: The most messages that are on their way unconfirmed.
        """
        url = connecting.url(broker)
        if not queues.durable(url):
            reason = f"is {url}, to which no other program can publish; give amqp://..., or use `connector send`"
            raise SettingsError(f"broker.url: {reason}")
        self._connection = Connection(url, ssl=connecting.tls(broker), connect_timeout=_CONNECT_SECONDS)
        self._broker, self._names = broker, names
        self._window = window

    def publish(
        self, bodies: Iterable[OutgoingBody], on_confirmed: Callable[[int], None] = lambda _: None
    ) -> ConfirmWindow:
        """Publishes each body as a persistent message of JSON, and returns when the broker has confirmed all.

        A connection that breaks is opened again, with growing pauses and without end. Raises ConnectorError if the
        broker cannot be reached, or refuses, before it took anything.

        Args:
            bodies: JSON texts.
            on_confirmed: Is told, from time to time, how many are confirmed by now.

        Returns:
            What came of it: the numbers of messages confirmed, and of those published again on the way.
        """
        outbox = ConfirmWindow(bodies)
        failures, confirmed, reached = 0, 0, False
        while True:
            try:
                with self._channel(outbox) as channel:
                    reached = True
                    self._publish(channel, outbox, on_confirmed)
            except _BROKEN as error:
                if not reached:
                    raise self._unusable(error) from error
                failures = 0 if outbox.confirmed > confirmed else failures + 1
                confirmed = outbox.confirmed
                self._pause(error, failures)
            else:
                on_confirmed(outbox.confirmed)
                return outbox

    def close(self) -> None:
        """Closes the connection."""
        self._connection.release()

    @contextmanager
    def _channel(self, outbox: ConfirmWindow) -> Iterator[Any]:
        """Returns a channel with confirmations. A broken connection is dropped without telling the broker."""
        try:
            self._connection.ensure_connection(max_retries=1, interval_start=0)
            channel: Any = self._connection.channel()
            for name in self._names:
                declaring.declare(self._connection.connection, name, connecting.url(self._broker))
            channel.confirm_select()
            channel.events["basic_ack"].add(outbox.confirm)
            channel.events["basic_nack"].add(outbox.refuse)
            outbox.start_channel()
            yield channel
            channel.close()
        except BaseException:
            self._connection.collect()
            raise

    def _publish(self, channel: Any, outbox: ConfirmWindow, on_confirmed: Callable[[int], None]) -> None:
        told = outbox.confirmed
        while (body := outbox.take()) is not None or outbox.flying:
            if body is not None:
                self._send(channel, body)  # which also reads the confirmations that have come
            if body is None or outbox.flying >= self._window:
                _await(channel, outbox, 0 if body is None else self._window // 2)
            if outbox.refused:
                outbox.refused = False
                sleep(_REFUSED_SECONDS)
            if outbox.confirmed >= told + self._window:
                told = outbox.confirmed
                on_confirmed(told)

    def _send(self, channel: Any, item: OutgoingBody) -> None:
        queue, body = item if isinstance(item, Outgoing) else (self._names[0], item)
        message = Message(body, content_type="application/json", content_encoding="utf-8", delivery_mode=_PERSISTENT)
        # Mandatory: a queue that is gone would else be confirmed like any other.
        channel.basic_publish(message, exchange="", routing_key=queue, mandatory=True, timeout=_CONFIRM_SECONDS)

    def _pause(self, error: Exception, failures: int) -> None:
        seconds = min(_PAUSE_SECONDS * 2**failures, _LONGEST_PAUSE_SECONDS)
        log.warning("RabbitMQ is away, trying again", reason=str(error) or "no answer in time", seconds=seconds)
        sleep(seconds)

    def _unusable(self, error: Exception) -> ConnectorError:
        where = f"RabbitMQ at {self._connection.as_uri()} cannot be used"
        return ConnectorError(f"{where}: {error or 'no answer in time'}. Does it run, and is [broker] url right?")


def _await(channel: Any, outbox: ConfirmWindow, most: int) -> None:
    """Waits until at most `most` messages are on their way. Raises TimeoutError if the broker is silent."""
    while outbox.flying > most:
        channel.connection.drain_events(timeout=_CONFIRM_SECONDS)
