"""Dead letters: messages that workers took up again and again and never finished (`queues.DELIVERY_LIMIT`).

Looking gives them back. Replaying publishes them again where they came from, a batch as single messages, so that the
one that breaks workers stands alone; each is taken from the dead letters only once the broker has confirmed that.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from amqp.exceptions import AMQPError, MessageNacked, NotFound
from kombu import Connection
from kombu.exceptions import KombuError
from kombu.message import Message

from connector import queues
from connector.errors import ConnectorError

_CONNECT_SECONDS = 5.0
_CONFIRM_SECONDS = 30.0
_SHOWN_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One of them: the queue it came from, why and how often it died, how many messages it holds, how it begins."""

    queue: str
    reason: str
    times: int
    messages: int
    text: str


def count(broker_url: str) -> int:
    """How many there are. Raises ConnectorError where the broker does not answer."""
    with _channel(broker_url) as channel:
        try:
            return int(channel.queue_declare(queues.DEAD_LETTERS, passive=True).message_count)
        except NotFound:
            return 0


def look(broker_url: str, limit: int) -> list[DeadLetter]:
    """The first of them, which stay where they are. Raises ConnectorError where the broker does not answer."""
    with _channel(broker_url) as channel:
        return [_shown(message) for message in _take(channel, limit)]  # closing the channel gives them back


def replay(broker_url: str) -> int:
    """Publishes all of them again; how many there were. Raises ConnectorError where the broker does not answer."""
    with _channel(broker_url) as channel:
        replayed = 0
        for message in _take(channel, count(broker_url)):
            for part in _parts(message):
                _publish(channel, _origin(message), message, part)
            message.ack()
            replayed += 1
        return replayed


def discard(broker_url: str) -> int:
    """Drops all of them; how many there were. Raises ConnectorError where the broker does not answer."""
    with _channel(broker_url) as channel:
        try:
            return int(channel.queue_purge(queues.DEAD_LETTERS))
        except NotFound:
            return 0


@contextmanager
def _channel(broker_url: str) -> Iterator[Any]:
    options = {"confirm_publish": True}
    try:
        with Connection(broker_url, connect_timeout=_CONNECT_SECONDS, transport_options=options) as connection:
            yield connection.channel()
    except (AMQPError, KombuError, MessageNacked, OSError) as error:
        raise ConnectorError(f"the broker {Connection(broker_url).as_uri()} does not answer: {error}") from error


def _take(channel: Any, limit: int) -> Iterator[Message]:
    """Up to `limit` messages, not acknowledged."""
    for _ in range(limit):
        try:
            got = channel.basic_get(queues.DEAD_LETTERS)
        except NotFound:
            return
        if got is None:
            return
        yield channel.message_to_python(got)


def _death(message: Message) -> dict[str, Any]:
    deaths: Any = message.headers.get("x-death") or [{}]
    first: dict[str, Any] = deaths[0]
    return first


def _origin(message: Message) -> str:
    return str(_death(message).get("queue", queues.CHANGES))


def _shown(message: Message) -> DeadLetter:
    death = _death(message)
    reason, times = str(death.get("reason", "unknown")), int(death.get("count", 1))
    return DeadLetter(_origin(message), reason, times, len(_parts(message)), _body(message)[:_SHOWN_CHARACTERS])


def _body(message: Message) -> str:
    body = message.body or ""
    return body if isinstance(body, str) else body.decode(errors="replace")


def _parts(message: Message) -> list[str]:
    """The bodies to publish: of a batch, one for each message in it."""
    if message.headers.get("task") != "tasks.changes.apply":
        return [_body(message)]
    (format, messages, *rest), kwargs, embedded = json.loads(_body(message))
    return [json.dumps([[format, [each], *rest], kwargs, embedded]) for each in messages]


def _publish(channel: Any, queue: str, message: Message, body: str) -> None:
    headers = {name: value for name, value in message.headers.items() if not name.startswith("x-")}
    prepared = channel.prepare_message(
        body,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        headers=headers,
        properties={"delivery_mode": 2, "correlation_id": message.properties.get("correlation_id")},
    )
    channel.basic_publish_confirm(prepared, exchange="", routing_key=queue, confirm_timeout=_CONFIRM_SECONDS)
