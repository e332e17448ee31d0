"""Shows, replays and drops dead letters.

Dead letters are messages that no reader could finish (`queues.DELIVERY_LIMIT`), or of which the store has only a part,
as a problem. `consumer.dead_letter` and `copying.bury` write them. Looking at them gives them back. Replaying publishes
them again where they came from, a batch as single messages, so that the message that breaks readers stands alone; each
is taken from the dead letters only once the broker has confirmed the new one. Every dead letter is shown and replayed,
even one that cannot be decoded.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

import structlog
from amqp import Connection as AmqpConnection
from amqp import Message
from amqp.exceptions import AMQPError, MessageNacked, NotFound

from connector.broker import connecting, properties, queues
from connector.broker.connecting import BrokerAddress
from connector.broker.consumer import Consumer
from connector.broker.frames import Delivery
from connector.broker.properties import Properties
from connector.errors import ConnectorError

log = structlog.get_logger(__name__)
_CONFIRM_SECONDS = 30.0
_WAIT_SECONDS = 10.0
_SETTLE_SECONDS = 0.5
_SHOWN_CHARACTERS = 2_000
_AT_ONCE = 2_000
_BROKEN = (AMQPError, MessageNacked, OSError)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter: its queue, why and how often it died, how many messages it holds, and how it begins."""

    queue: str
    reason: str
    times: int
    messages: int
    text: str


def count(broker: BrokerAddress) -> int:
    """Returns how many dead letters there are. Raises ConnectorError if the broker does not answer."""
    with _channel(broker) as channel:
        try:
            return int(channel.queue_declare(queues.DEAD_LETTERS, passive=True).message_count)
        except NotFound:
            return 0


def _settled(broker: BrokerAddress) -> int:
    """Returns how many there are, once those that somebody has just looked at are back in the queue."""
    found = count(broker)
    if not found:
        sleep(_SETTLE_SECONDS)
        found = count(broker)
    return found


def look(broker: BrokerAddress, limit: int) -> list[DeadLetter]:
    """Returns the first dead letters, which stay in the queue. Raises ConnectorError if the broker does not answer."""
    found = min(_settled(broker), limit)
    if not found:
        return []
    with _consumer(broker) as consumer:  # ending it gives them back
        return [_shown(each) for each in _take(consumer, found)]


def replay(broker: BrokerAddress) -> int:
    """Publishes all dead letters again and returns how many there were.

    Raises ConnectorError if the broker does not answer.
    """
    found = _settled(broker)
    if not found:
        return 0
    replayed = 0
    known: dict[str, bool] = {}
    with _channel(broker) as channel, _consumer(broker) as consumer:
        for each in _take(consumer, found):
            said = properties.decode(each.properties)
            if not _is_there(broker, _origin(said), known):
                log.warning("a dead letter stays: the queue that it came from is gone", queue=_origin(said))
                continue
            for part in _parts(said, each.body):
                _publish(channel, _origin(said), said, part)
            consumer.acknowledge(each.tag, alone=True)
            replayed += 1
    return replayed


def _is_there(broker: BrokerAddress, queue: str, known: dict[str, bool]) -> bool:
    """Says whether the queue exists; the broker is asked once for each queue."""
    if queue not in known:
        with _channel(broker) as channel:
            try:
                known[queue] = bool(channel.queue_declare(queue, passive=True))
            except NotFound:
                known[queue] = False
    return known[queue]


def discard(broker: BrokerAddress) -> int:
    """Drops all dead letters. Returns how many there were. Raises ConnectorError if the broker does not answer."""
    with _channel(broker) as channel:
        try:
            return int(channel.queue_purge(queues.DEAD_LETTERS))
        except NotFound:
            return 0


@contextmanager
def _channel(broker: BrokerAddress) -> Iterator[Any]:
    bounds: dict[str, Any] = {"read_timeout": _CONFIRM_SECONDS, "write_timeout": _CONFIRM_SECONDS}
    with _told(broker):
        connection = AmqpConnection(**bounds, **connecting.parameters(broker))
        connection.connect()
        try:
            yield connection.channel()
        finally:
            connecting.drop(connection)


@contextmanager
def _consumer(broker: BrokerAddress) -> Iterator[Consumer]:
    with _told(broker):
        consumer = Consumer(broker, [queues.DEAD_LETTERS])
        try:
            yield consumer
        finally:
            consumer.close()


@contextmanager
def _told(broker: BrokerAddress) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        reason = str(error) or "no answer in time"
        raise ConnectorError(f"the broker {connecting.place(broker)} does not answer: {reason}") from error


def _take(consumer: Consumer, number: int) -> Iterator[Delivery]:
    """Returns a number of messages, unacknowledged; fewer if no more come."""
    never, other = socket.socketpair()
    with never, other:
        consumer.consume(min(number, _AT_ONCE))
        taken, give_up_at = 0, monotonic() + _WAIT_SECONDS
        while taken < number and monotonic() < give_up_at:
            consumer.keep_alive(reading=True)
            if not consumer.wait(never, 0.5, reading=True):
                continue
            for each in consumer.receive()[: number - taken]:
                taken, give_up_at = taken + 1, monotonic() + _WAIT_SECONDS
                yield each


def _death(said: Properties) -> dict[str, Any]:
    deaths = said.headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else None
    return first if isinstance(first, dict) else {}


def _origin(said: Properties) -> str:
    return str(_death(said).get("queue", queues.CHANGES))


def _shown(delivery: Delivery) -> DeadLetter:
    said = properties.decode(delivery.properties)
    death = _death(said)
    reason, times = str(death.get("reason", "unknown")), death.get("count", 1)
    text = delivery.body.decode(errors="replace")[:_SHOWN_CHARACTERS]
    parts = len(_parts(said, delivery.body))
    return DeadLetter(_origin(said), reason, times if isinstance(times, int) else 1, parts, text)


def _parts(said: Properties, body: bytes) -> list[bytes]:
    """Returns the bodies to publish: one for each message of a batch, or else the body itself."""
    if said.headers.get("task") != "tasks.changes.apply":
        return [body]
    try:
        match json.loads(body):
            case [[format, [_, *_] as messages, *rest], kwargs, embedded]:
                return [json.dumps([[format, [each], *rest], kwargs, embedded]).encode() for each in messages]
    except (ValueError, RecursionError):
        pass
    return [body]


def _publish(channel: Any, queue: str, said: Properties, body: bytes) -> None:
    headers = {name: value for name, value in said.headers.items() if not name.startswith("x-")}
    message = Message(
        body,
        content_type=said.content_type or "application/json",
        content_encoding=said.content_encoding or "utf-8",
        delivery_mode=2,
        correlation_id=said.message_id or "dead letter",
        application_headers=headers,
    )
    channel.basic_publish_confirm(message, exchange="", routing_key=queue, confirm_timeout=_CONFIRM_SECONDS)
