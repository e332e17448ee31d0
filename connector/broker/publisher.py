"""Publishing to the intake queue as upstream does: pipelined, and each message confirmed by the broker.

What the broker did not confirm before a connection broke is published again: at least once, never less.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from time import sleep
from typing import Any

import structlog
from amqp import Message
from amqp.exceptions import AMQPError, PreconditionFailed
from kombu import Connection
from kombu.exceptions import KombuError

from connector import queues
from connector.errors import ConnectorError, SettingsError

log = structlog.get_logger(__name__)

_BROKEN = (AMQPError, KombuError, OSError)
_CONNECT_SECONDS = 5.0
_CONFIRM_SECONDS = 30.0
_WINDOW = 500
_REFUSED_SECONDS = 1.0
_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 5.0
_PERSISTENT = 2


class Outbox:
    """The messages of one run: still to be published, on their way, or confirmed."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        """`bodies` are taken one after the other, as there is room."""
        self._source = iter(bodies)
        self._again: deque[bytes] = deque()
        self._flying: dict[int, bytes] = {}
        self._number = 0
        self.confirmed = 0
        self.repeated = 0
        self.refused = False

    @property
    def flying(self) -> int:
        """How many are on their way."""
        return len(self._flying)

    def take(self) -> bytes | None:
        """The next to publish, from now on on its way; None where there is no other."""
        body = self._again.popleft() if self._again else next(self._source, None)
        if body is not None:
            self._number += 1
            self._flying[self._number] = body
        return body

    def confirm(self, number: int, up_to: bool) -> None:
        """The broker holds the message of that number on this channel, or all up to it."""
        self.confirmed += len(self._land(number, up_to))

    def refuse(self, number: int, up_to: bool) -> None:
        """The broker did not take it: the queue is full, for instance. It is published again."""
        self.refused = True
        self._repeat(self._land(number, up_to))

    def start_channel(self) -> None:
        """The broker counts from one again; what was on its way is published again."""
        self._number = 0
        self._repeat(self._land(max(self._flying, default=0), up_to=True))

    def _land(self, number: int, up_to: bool) -> list[bytes]:
        numbers = list(takewhile(lambda each: each <= number, self._flying)) if up_to else [number]
        return [self._flying.pop(each) for each in numbers]

    def _repeat(self, bodies: list[bytes]) -> None:
        self._again.extend(bodies)
        self.repeated += len(bodies)


class Publisher:
    """Publishes to one queue of RabbitMQ."""

    def __init__(self, broker_url: str, queue: str, *, window: int = _WINDOW) -> None:
        """Opens nothing yet. Raises SettingsError where the broker is not RabbitMQ.

        Args:
            broker_url: The broker's URL.
            queue: The queue's name. It is declared as the workers declare it.
            window: The most messages that are on their way unconfirmed.
        """
        if not queues.durable(broker_url):
            reason = f"is {broker_url}, to which no other program can publish; give amqp://..., or use `connector send`"
            raise SettingsError(f"broker.url: {reason}")
        self._connection = Connection(broker_url, connect_timeout=_CONNECT_SECONDS)
        self._queue = queues.queue(queue, broker_url)
        self._window = window

    def publish(self, bodies: Iterable[bytes], on_confirmed: Callable[[int], None] = lambda _: None) -> Outbox:
        """Publishes each body as a persistent message of JSON. Comes back when the broker has confirmed all.

        A connection that breaks is opened again, with growing pauses and without end. Raises ConnectorError where the
        broker cannot be reached, or refuses, before it took anything.

        Args:
            bodies: JSON texts.
            on_confirmed: Is told, from time to time, how many are confirmed by now.

        Returns:
            What came of it: the numbers of messages confirmed, and of those published again on the way.
        """
        outbox = Outbox(bodies)
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
    def _channel(self, outbox: Outbox) -> Iterator[Any]:
        """A channel with confirmations. A connection that broke is dropped without another word to the broker."""
        try:
            self._connection.ensure_connection(max_retries=1, interval_start=0)
            channel: Any = self._connection.channel()
            self._queue.bind(channel).declare()
            channel.confirm_select()
            channel.events["basic_ack"].add(outbox.confirm)
            channel.events["basic_nack"].add(outbox.refuse)
            outbox.start_channel()
            yield channel
            channel.close()
        except BaseException:
            self._connection.collect()
            raise

    def _publish(self, channel: Any, outbox: Outbox, on_confirmed: Callable[[int], None]) -> None:
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

    def _send(self, channel: Any, body: bytes) -> None:
        message = Message(body, content_type="application/json", content_encoding="utf-8", delivery_mode=_PERSISTENT)
        # Mandatory: a queue that is gone would else be confirmed like any other.
        channel.basic_publish(
            message, exchange="", routing_key=self._queue.name, mandatory=True, timeout=_CONFIRM_SECONDS
        )

    def _pause(self, error: Exception, failures: int) -> None:
        seconds = min(_PAUSE_SECONDS * 2**failures, _LONGEST_PAUSE_SECONDS)
        log.warning("RabbitMQ is away, trying again", reason=str(error) or "no answer in time", seconds=seconds)
        sleep(seconds)

    def _unusable(self, error: Exception) -> ConnectorError:
        if isinstance(error, PreconditionFailed):
            what = f"the queue {self._queue.name} is there, but not as this version declares it: {error}"
            return ConnectorError(f"{what}. Delete it once it is empty (rabbitmqctl delete_queue {self._queue.name})")
        where = f"RabbitMQ at {self._connection.as_uri()} cannot be used"
        return ConnectorError(f"{where}: {error or 'no answer in time'}. Does it run, and is [broker] url right?")


def _await(channel: Any, outbox: Outbox, most: int) -> None:
    """Comes back when no more than `most` are on their way. Raises TimeoutError where the broker is silent."""
    while outbox.flying > most:
        channel.connection.drain_events(timeout=_CONFIRM_SECONDS)
