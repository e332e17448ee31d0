"""Publishes to an exchange of RabbitMQ: in order, and confirmed. What no queue is bound for counts as not taken."""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple

from amqp import Message
from amqp.exceptions import AMQPError, NotFound
from kombu import Connection
from kombu.exceptions import KombuError

from connector.broker import connecting
from connector.broker.connecting import BrokerAddress

_BROKEN = (AMQPError, KombuError, OSError)
_CONNECT_SECONDS = 5.0
_PERSISTENT = 2
_NACKED = "RabbitMQ refuses it: a queue that is bound to the exchange may be full"


class ExchangeMessage(NamedTuple):
    """A message: the routing key, the body (JSON), its id, and its headers."""

    topic: str
    body: bytes
    id: str
    headers: Mapping[str, str]


class Published(NamedTuple):
    """How many of the messages the broker has, counted from the first one, and why not the next one: "" for all."""

    taken: int
    refusal: str = ""


class TopicExchange:
    """A durable topic exchange, which is made if it is not there."""

    def __init__(self, broker: BrokerAddress, name: str, seconds: float) -> None:
        """Opens nothing yet. `seconds`: how long each answer is waited for, and the confirmations of one `publish`."""
        self._broker, self._name, self._seconds = broker, name, seconds
        self._connection = Connection(
            connecting.url(broker), ssl=connecting.tls(broker), connect_timeout=_CONNECT_SECONDS
        )

    def publish(self, messages: Sequence[ExchangeMessage]) -> Published:
        """Publishes messages; returns once the broker has answered for all of them, or does not in time."""
        confirms = _Confirms([each.id for each in messages])
        try:
            channel = self._channel(confirms)
            for each in messages:
                channel.basic_publish(_message(each), self._name, each.topic, mandatory=True, timeout=self._seconds)
            end = monotonic() + self._seconds
            while confirms.open:
                channel.connection.drain_events(timeout=max(end - monotonic(), 0.001))
            channel.close()
        except _BROKEN as error:
            self._connection.collect()
            told = confirms.refusal or f"RabbitMQ does not take it: {error or 'no answer in time'}"
            return Published(confirms.taken, told if confirms.taken < len(messages) else "")
        return Published(confirms.taken, confirms.refusal)

    def close(self) -> None:
        """Closes the connection."""
        self._connection.release()

    def _channel(self, confirms: "_Confirms") -> Any:
        self._connection.ensure_connection(max_retries=1, interval_start=0)
        opened: Any = self._connection.connection
        opened.sock.settimeout(self._seconds)  # else all but connecting waits without end for a broker that is silent
        self._declare()
        channel: Any = self._connection.channel()
        channel.confirm_select()
        channel.events["basic_ack"].add(confirms.ack)
        channel.events["basic_nack"].add(confirms.nack)
        channel.events["basic_return"].add(confirms.returned)
        return channel

    def _declare(self) -> None:
        """Declares the exchange, unless it is there, whatever it is like."""
        channel: Any = self._connection.channel()
        try:
            channel.exchange_declare(self._name, "topic", passive=True)
        except NotFound:
            channel = self._connection.channel()
            channel.exchange_declare(self._name, "topic", durable=True, auto_delete=False)
        channel.close()


class _Confirms:
    """What the broker has said of messages with these ids, which are numbered from one."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.open = set(range(1, len(ids) + 1))
        self.refusal = ""
        self._numbers = {id: number for number, id in reversed(list(enumerate(ids, 1)))}
        self._count = len(ids)
        self._refused: set[int] = set()

    @property
    def taken(self) -> int:
        """The number of messages, from the first one on, that the broker has."""
        return min(self.open | self._refused, default=self._count + 1) - 1

    def ack(self, number: int, up_to: bool) -> None:
        """Notes that the message of this number is taken, or all up to it."""
        self._answered(number, up_to)

    def nack(self, number: int, up_to: bool) -> None:
        """Notes that the broker does not take the message of this number, or all up to it."""
        self._refused |= self._answered(number, up_to)
        self.refusal = self.refusal or _NACKED

    def returned(self, _error: Any, exchange: str, topic: str, message: Any) -> None:
        """Notes that a message has nowhere to go; the broker confirms it nevertheless."""
        self._refused.add(self._numbers.get(message.properties.get("message_id"), 1))
        self.refusal = self.refusal or f"no queue is bound to the exchange {exchange!r} for {topic!r}"

    def _answered(self, number: int, up_to: bool) -> set[int]:
        """Returns the numbers that are answered by this, which are open no more."""
        found = {each for each in self.open if each <= number} if up_to else {number}
        self.open -= found
        return found


def _message(each: ExchangeMessage) -> Message:
    return Message(
        each.body,
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=_PERSISTENT,
        message_id=each.id,
        application_headers=dict(each.headers),
    )
