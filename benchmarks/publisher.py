"""Publishes as a careful upstream does: persistent messages, confirmed by the broker, many on their way at once."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from kombu import Connection, Queue

from connector.errors import ConnectorError

_WINDOW = 500
_CONFIRM_SECONDS = 60.0


def declare(url: str, queue: str) -> None:
    """Makes a quorum queue."""
    with Connection(url) as connection, connection.channel() as channel:
        Queue(queue, channel=channel, durable=True, queue_arguments={"x-queue-type": "quorum"}).declare()


class Publisher:
    """A channel with confirmations on, for one queue that is there already."""

    def __init__(self, url: str, queue: str) -> None:
        self._connection = Connection(url)
        self._queue = queue
        channel: Any = self._connection.channel()
        self._channel = channel
        self._sent = 0
        self._unconfirmed: set[int] = set()
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._confirmed)
        self._channel.events["basic_nack"].add(_refused)

    def publish(
        self,
        bodies: Iterable[bytes],
        before_each: Callable[[int], None] = lambda _: None,
        headers: Callable[[int], dict[str, str]] = lambda _: {},
    ) -> None:
        """Publishes bodies, and returns when all are confirmed; both callables are told the number of the body."""
        for number, body in enumerate(bodies):
            before_each(number)
            self._send(body, headers(number))
            while len(self._unconfirmed) >= _WINDOW:
                self._drain()
        while self._unconfirmed:
            self._drain()

    def close(self) -> None:
        """Closes the connection."""
        self._connection.release()

    def _send(self, body: bytes, headers: dict[str, str]) -> None:
        message = self._channel.prepare_message(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            headers=headers,
            properties={"delivery_mode": 2, "correlation_id": headers.get("id", "")},
        )
        self._channel.basic_publish(message, exchange="", routing_key=self._queue)
        self._sent += 1
        self._unconfirmed.add(self._sent)

    def _drain(self) -> None:
        self._connection.drain_events(timeout=_CONFIRM_SECONDS)

    def _confirmed(self, tag: int, multiple: bool) -> None:
        if multiple:
            self._unconfirmed = {each for each in self._unconfirmed if each > tag}
        else:
            self._unconfirmed.discard(tag)


def _refused(*_: Any) -> None:
    raise ConnectorError("the broker refused a message: its queue is gone or full")


class Pace:
    """So many a second: call it before each one. Who is late does not hurry to make up for more than a moment."""

    def __init__(self, per_second: float) -> None:
        self._every = 1 / per_second
        self._next = time.monotonic()

    def __call__(self, _: int) -> None:
        """Waits until the next one is due."""
        now = time.monotonic()
        self._next = max(self._next + self._every, now - 1.0)
        if self._next > now:
            time.sleep(self._next - now)
