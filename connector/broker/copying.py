"""Publishes messages again as they came, each confirmed: whole bodies, their properties still encoded."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Self

from amqp import Connection, Message
from amqp.exceptions import AMQPError

from connector.broker import connecting, properties, queues
from connector.broker.connecting import BrokerAddress
from connector.broker.frames import Delivery

_SECONDS = 30.0


class Copier:
    """A connection that publishes. Every method may raise what `connecting.UNREACHABLE` names."""

    def __init__(self, broker: BrokerAddress) -> None:
        """Connects."""
        bounds: dict[str, Any] = {"read_timeout": _SECONDS, "write_timeout": _SECONDS}
        self.connection = Connection(**bounds, **connecting.parameters(broker))
        try:
            self.connection.connect()
            channel: Any = self.connection.channel()
            channel.confirm_select()
        except BaseException:
            self._drop()
            raise
        self._channel = channel
        self._channel.events["basic_ack"].add(self._confirmed)
        self._channel.events["basic_nack"].add(self._refused)
        self._number = 0
        self._flying: set[int] = set()

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drops the connection."""
        self._drop()

    def _drop(self) -> None:
        with suppress(*connecting.UNREACHABLE, AttributeError):
            connecting.drop(self.connection)

    def copy(self, queue: str, deliveries: Iterable[Delivery]) -> None:
        """Publishes messages to a queue, in their order, and returns once RabbitMQ has confirmed all of them."""
        for each in deliveries:
            self._publish(queue, _AsItCame(each))
        self._until_confirmed()

    def bury(self, origin: str, delivery: Delivery) -> None:
        """Publishes a message to the dead letters, as RabbitMQ does that rejects it: with where it came from."""
        said = properties.decode(delivery.properties)
        death = {"queue": origin, "reason": "rejected", "count": 1}
        message = Message(
            delivery.body,
            content_type=said.content_type or "application/json",
            content_encoding=said.content_encoding or "utf-8",
            delivery_mode=2,
            application_headers={**said.headers, "x-death": [death]},
        )
        self._publish(queues.DEAD_LETTERS, message)
        self._until_confirmed()

    def _publish(self, queue: str, message: Message) -> None:
        self._number += 1
        self._flying.add(self._number)
        self._channel.basic_publish(message, exchange="", routing_key=queue, mandatory=True, timeout=_SECONDS)

    def _until_confirmed(self) -> None:
        while self._flying:
            self.connection.drain_events(timeout=_SECONDS)

    def _confirmed(self, number: int, up_to: bool) -> None:
        self._flying -= {each for each in self._flying if each <= number} if up_to else {number}

    def _refused(self, *_: object) -> None:
        raise _RefusedError("RabbitMQ does not take the message: is the queue full?")


class _RefusedError(AMQPError):
    """RabbitMQ does not take a message."""


class _AsItCame(Message):
    """A message whose properties go out as the bytes that came."""

    def __init__(self, delivery: Delivery) -> None:
        super().__init__(delivery.body)
        self._encoded = delivery.properties or b"\0\0"

    def _serialize_properties(self) -> bytes:
        return self._encoded
