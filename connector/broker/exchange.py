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
_UNROUTED = "no queue is bound to the exchange for it"


class ExchangeMessage(NamedTuple):
    """A message: the routing key, the body (JSON), its id, and its headers."""

    topic: str
    body: bytes
    id: str
    headers: Mapping[str, str]


class TopicExchange:
    """A durable topic exchange, which is made if it is not there."""

    def __init__(self, broker: BrokerAddress, name: str, seconds: float) -> None:
        """Opens nothing yet. `seconds`: how long the confirmations of one `publish` are waited for."""
        self._broker, self._name, self._seconds = broker, name, seconds
        self._connection = Connection(
            connecting.url(broker), ssl=connecting.tls(broker), connect_timeout=_CONNECT_SECONDS
        )

    def publish(self, messages: Sequence[ExchangeMessage]) -> str:
        """Publishes messages; why they were not taken, "" once the broker has confirmed all of them."""
        confirms = _Confirms(len(messages))
        try:
            channel = self._channel(confirms)
            for each in messages:
                channel.basic_publish(_message(each), self._name, each.topic, mandatory=True, timeout=self._seconds)
            end = monotonic() + self._seconds
            while confirms.open and not confirms.refusal:
                channel.connection.drain_events(timeout=max(end - monotonic(), 0.001))
            channel.close()
        except _BROKEN as error:
            self._connection.collect()
            return f"RabbitMQ does not take it: {error or 'no answer in time'}"
        if confirms.refusal:
            self._connection.collect()
        return confirms.refusal

    def close(self) -> None:
        """Closes the connection."""
        self._connection.release()

    def _channel(self, confirms: "_Confirms") -> Any:
        self._connection.ensure_connection(max_retries=1, interval_start=0)
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
    """What the broker has said of messages that are numbered from one."""

    def __init__(self, count: int) -> None:
        self.open = set(range(1, count + 1))
        self.refusal = ""

    def ack(self, number: int, up_to: bool) -> None:
        """The message of this number is taken, or all up to it."""
        self.open = {each for each in self.open if each > number} if up_to else self.open - {number}

    def nack(self, *_: Any) -> None:
        """The broker does not take a message."""
        self.refusal = "RabbitMQ refuses it"

    def returned(self, *_: Any) -> None:
        """A message has nowhere to go; the broker confirms it nevertheless."""
        self.refusal = _UNROUTED


def _message(each: ExchangeMessage) -> Message:
    return Message(
        each.body,
        content_type="application/json",
        content_encoding="utf-8",
        delivery_mode=_PERSISTENT,
        message_id=each.id,
        application_headers=dict(each.headers),
    )
