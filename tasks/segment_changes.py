"""The AMQP door: plain JSON from any publisher on the intake queue, no Celery headers needed.

Messages are gathered by count, bytes and age, handed on as one `tasks.changes.apply`, and acknowledged once the broker
has confirmed that task: from then on it holds them, and acknowledges late in its turn.
"""

from contextlib import suppress
from threading import RLock
from typing import Any

import structlog
from celery import bootsteps
from celery.worker import state
from kombu import Consumer
from kombu.message import Message

from connector.queues import BACKFILL, CHANGES, DEAD_LETTERS, durable, queue
from tasks.base import CANNOT_PUBLISH, PUBLISH, settings

log = structlog.get_logger(__name__)
_PREFETCHED_BATCHES = 4
_MOST_ROUNDS = 5


class SegmentChanges(bootsteps.ConsumerStep):
    """Consumes the intake queue in a worker's main process, on a channel of its own."""

    backfill = False

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        """Called by Celery when the worker is built."""
        super().__init__(parent, **options)
        self._gathered: list[Message] = []
        self._bytes = 0
        self._waited = 0
        self._timer: Any = None
        # The in-process broker's timer runs in a thread of its own; RabbitMQ's in the consumer's.
        self._lock = RLock()

    def start(self, c: Any) -> None:
        """Called at each (re)connect. What was gathered on an older connection comes again: its tags are void."""
        with self._lock:
            self._gathered, self._bytes = [], 0
        super().start(c)
        self._app, self._pool = c.app, c.pool
        self._timer = c.timer.call_repeatedly(settings().intake.batch_seconds, self._hand_on_in_time)

    def stop(self, c: Any) -> None:
        """Called at shutdown and before each reconnect: what is not handed on goes back to the queue."""
        if self._timer is not None:
            self._timer.cancel()
        super().stop(c)

    def get_consumers(self, channel: Any) -> list[Consumer]:
        """One consumer, with its own prefetch: the worker's does not reach this channel."""
        intake, url = settings().intake, settings().broker.url
        name = intake.backfill_queue if self.backfill else intake.queue
        prefetched = intake.batch_messages * _PREFETCHED_BATCHES
        _declare_dead_letters(channel, url)
        return [Consumer(channel, [queue(name, url)], on_message=self._gather, prefetch_count=prefetched)]

    def _gather(self, message: Message) -> None:
        intake = settings().intake
        with self._lock:
            self._gathered.append(message)
            self._bytes += len(message.body or "")
            if len(self._gathered) >= intake.batch_messages or self._bytes >= intake.batch_bytes:
                self._hand_on()

    def _hand_on_in_time(self) -> None:
        """While the whole pool is at work a small batch would only wait: it grows instead, for a few rounds."""
        self._waited += 1
        busy = len(state.reserved_requests) >= self._pool.num_processes
        if not busy or self._waited >= _MOST_ROUNDS:
            self._hand_on()

    def _hand_on(self) -> None:
        self._waited = 0
        with self._lock:
            if not self._gathered:
                return
            gathered, self._gathered, self._bytes = self._gathered, [], 0
        # An exception that leaves a consumer's callback ends the worker; unacknowledged messages come again instead.
        try:
            self._publish(gathered)
        except CANNOT_PUBLISH as error:  # what is not confirmed is given back, and comes again
            log.warning("intake interrupted", reason=str(error), messages=len(gathered))
            _give_back(gathered)
            return
        _acknowledge(gathered)

    def _publish(self, gathered: list[Message]) -> None:
        intake = settings().intake
        bodies = [_text(message.body, intake.max_message_bytes) for message in gathered]
        self._app.send_task(
            "tasks.changes.apply",
            args=[intake.format, bodies],
            kwargs={"backfill": True} if self.backfill else {},
            queue=BACKFILL if self.backfill else CHANGES,
            **PUBLISH,
        )


class Backfill(SegmentChanges):
    """The same for the queue of bulk loads."""

    backfill = True


def _declare_dead_letters(channel: Any, broker_url: str) -> None:
    """Nobody consumes that queue, so nobody else would make it, and RabbitMQ drops what has nowhere to go."""
    if durable(broker_url):
        queue(DEAD_LETTERS, broker_url)(channel).declare()


def _acknowledge(gathered: list[Message]) -> None:
    """Everything on this channel up to the last one, at once; the in-process broker knows only single messages."""
    if durable(settings().broker.url):
        gathered[-1].ack(multiple=True)
        return
    for message in gathered:
        message.ack()


def _give_back(gathered: list[Message]) -> None:
    """Puts messages back into the queue. Where the connection is gone, the broker does that by itself."""
    with suppress(*CANNOT_PUBLISH):
        for message in gathered:
            message.requeue()


def _text(body: str | bytes | None, limit: int) -> str:
    """The body as text, cut just behind the limit: that is enough to see that it is too large."""
    cut = (body or "")[: limit + 1]
    return cut if isinstance(cut, str) else cut.decode(errors="replace")
