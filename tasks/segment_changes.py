"""The AMQP door: plain JSON from any publisher on the intake queue, no Celery headers needed.

Messages are gathered by count, bytes and age, handed on as one `tasks.changes.apply`, and acknowledged once the broker
has confirmed that task: from then on it holds them, and acknowledges late in its turn.
"""

from contextlib import suppress
from threading import RLock
from typing import Any

import structlog
from amqp.exceptions import AMQPError
from celery import bootsteps
from kombu import Consumer
from kombu.exceptions import KombuError
from kombu.message import Message

from tasks.base import CONFIRM_SECONDS, queue, settings

log = structlog.get_logger(__name__)
_PREFETCHED_BATCHES = 4


class SegmentChanges(bootsteps.ConsumerStep):
    """Consumes the intake queue in a worker's main process."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        """Called by Celery when the worker is built."""
        super().__init__(parent, **options)
        self._gathered: list[Message] = []
        self._bytes = 0
        self._timer: Any = None
        # The in-process broker's timer runs in a thread of its own; RabbitMQ's in the consumer's.
        self._lock = RLock()

    def start(self, c: Any) -> None:
        """Called at each (re)connect. What was gathered on an older connection comes again: its tags are void."""
        with self._lock:
            self._gathered, self._bytes = [], 0
        super().start(c)
        self._app = c.app
        self._timer = c.timer.call_repeatedly(settings().intake.batch_seconds, self._hand_on)

    def stop(self, c: Any) -> None:
        """Called at shutdown and before each reconnect: what is not handed on goes back to the queue."""
        if self._timer is not None:
            self._timer.cancel()
        super().stop(c)

    def get_consumers(self, channel: Any) -> list[Consumer]:
        """One consumer, with its own prefetch: the worker's does not reach this channel."""
        intake = settings().intake
        return [
            Consumer(
                channel,
                queues=[queue(intake.queue, settings().broker.url)],
                on_message=self._gather,
                prefetch_count=intake.batch_messages * _PREFETCHED_BATCHES,
            )
        ]

    def _gather(self, message: Message) -> None:
        intake = settings().intake
        with self._lock:
            self._gathered.append(message)
            self._bytes += len(message.body or "")
            if len(self._gathered) >= intake.batch_messages or self._bytes >= intake.batch_bytes:
                self._hand_on()

    def _hand_on(self) -> None:
        with self._lock:
            if not self._gathered:
                return
            gathered, self._gathered, self._bytes = self._gathered, [], 0
        # An exception that leaves a consumer's callback ends the worker; unacknowledged messages come again instead.
        try:
            self._publish(gathered)
        except (KombuError, AMQPError, OSError) as error:
            log.warning("intake interrupted", reason=str(error), messages=len(gathered))
            _give_back(gathered)
            return
        for message in gathered:
            message.ack()

    def _publish(self, gathered: list[Message]) -> None:
        limit = settings().intake.max_message_bytes
        bodies = [_text(message.body, limit) for message in gathered]
        self._app.send_task(
            "tasks.changes.apply", args=[settings().intake.format, bodies], confirm_timeout=CONFIRM_SECONDS
        )


def _give_back(gathered: list[Message]) -> None:
    """Puts messages back into the queue. Where the connection is gone, the broker does that by itself."""
    with suppress(KombuError, AMQPError, OSError):
        for message in gathered:
            message.requeue()


def _text(body: str | bytes | None, limit: int) -> str:
    """The body as text, cut just behind the limit: that is enough to see that it is too large."""
    cut = (body or "")[: limit + 1]
    return cut if isinstance(cut, str) else cut.decode(errors="replace")
