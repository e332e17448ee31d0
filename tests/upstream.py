"""Upstream as it is in real life: programs that publish to the intake queue, several at once, and want confirmations.

They know nothing of the connector. What the broker did not confirm they publish again, also after it was away.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from amqp.exceptions import AMQPError
from kombu import Connection
from kombu.exceptions import KombuError

from tests.moments import moment
from tests.servers import eventually

QUEUE = "segment-changes"
_WINDOW = 200
"""How many messages a publisher has on their way without a confirmation."""
_LOOK_AGAIN_SECONDS = 0.05
_END_SECONDS = 90.0
_BROKEN = (OSError, AMQPError, KombuError)


class Upstream:
    """Publishes each part by a publisher of its own; `pace` is how many messages a second each one publishes."""

    def __init__(self, broker: str, parts: Sequence[Sequence[Mapping[str, Any]]], pace: float = 500.0) -> None:
        self._publishers = [_Publisher(broker, part, pace) for part in parts]
        self.total = sum(len(part) for part in parts)

    def __enter__(self) -> Self:
        for publisher in self._publishers:
            publisher.start()
        return self

    def __exit__(self, *_: object) -> None:
        for publisher in self._publishers:
            publisher.stopped.set()
        for publisher in self._publishers:
            publisher.join(_END_SECONDS)

    @property
    def confirmed(self) -> int:
        """How many messages the broker has confirmed."""
        return sum(publisher.confirmed for publisher in self._publishers)

    def until_confirmed(self, count: int) -> None:
        """Comes back when so many messages are confirmed, others still to come; tests/moments.py may say when."""
        count = moment(count, most=self.total * 4 // 5)
        eventually(lambda: self.confirmed >= count)
        assert self.confirmed < self.total


class _Publisher(threading.Thread):
    """One publisher with one connection at a time."""

    def __init__(self, broker: str, messages: Sequence[Mapping[str, Any]], pace: float) -> None:
        super().__init__(daemon=True)
        self._broker = broker
        self._waiting = deque(json.dumps(message) for message in messages)
        self._seconds_apart = 1 / pace
        self._next_at = 0.0
        self._unconfirmed: dict[int, str] = {}
        self.confirmed = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        """Publishes until everything is confirmed, through as many connections as that takes."""
        while self._waiting and not self.stopped.is_set():
            with suppress(*_BROKEN), Connection(self._broker, connect_timeout=2) as connection:
                self._publish_all(connection)
            self._waiting.extendleft(reversed(self._unconfirmed.values()))
            self._unconfirmed.clear()
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _publish_all(self, connection: Connection) -> None:
        channel = connection.channel()
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_confirmed)
        channel.events["basic_nack"].add(self._on_refused)
        number = 0
        while (self._waiting or self._unconfirmed) and not self.stopped.is_set():
            while self._waiting and len(self._unconfirmed) < _WINDOW and time.monotonic() >= self._next_at:
                number += 1
                self._unconfirmed[number] = self._waiting.popleft()
                self._publish(channel, self._unconfirmed[number])
            with suppress(TimeoutError):
                connection.drain_events(timeout=self._seconds_apart if self._waiting else 1)

    def _publish(self, channel: Any, body: str) -> None:
        self._next_at = max(self._next_at, time.monotonic() - 1) + self._seconds_apart
        message = channel.prepare_message(
            body, content_type="application/json", content_encoding="utf-8", properties={"delivery_mode": 2}
        )
        channel.basic_publish(message, exchange="", routing_key=QUEUE)

    def _on_confirmed(self, number: int, multiple: bool) -> None:
        self.confirmed += len(self._answered(number, multiple))

    def _on_refused(self, number: int, multiple: bool) -> None:
        self._waiting.extendleft(self._answered(number, multiple))

    def _answered(self, number: int, multiple: bool) -> list[str]:
        numbers = [each for each in self._unconfirmed if each <= number] if multiple else [number]
        return [self._unconfirmed.pop(each) for each in numbers]
