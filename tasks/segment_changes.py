"""Reads the queue of plain JSON on the in-process broker. On RabbitMQ a reader reads it (`tasks.reader`)."""

from threading import RLock
from typing import Any

from celery import bootsteps
from kombu import Consumer
from kombu.message import Message

from connector.broker.queues import BACKFILL, CHANGES, durable, queue
from tasks.base import settings


class SegmentChanges(bootsteps.ConsumerStep):
    """Gathers the messages of the queue in a worker, and passes them on as one `tasks.changes.apply`."""

    backfill = False

    requires = ("tasks.consumer:Doorbells",)

    def __init__(self, parent: Any, **options: Any) -> None:
        """Is called by Celery when the worker is built."""
        super().__init__(parent, **options)
        self._gathered: list[Message] = []
        self._timer: Any = None
        self._lock = RLock()  # the broker's timer runs in a thread of its own

    def include_if(self, _parent: Any) -> bool:
        """Says whether this worker reads the queue: only if the broker is one that others cannot publish to."""
        return not durable(settings().broker.url)

    def start(self, c: Any) -> None:
        """Is called when the worker starts."""
        super().start(c)
        self._app = c.app
        self._timer = c.timer.call_repeatedly(settings().intake.batch_seconds, self._hand_on)

    def stop(self, c: Any) -> None:
        """Is called when the worker ends: what the in-process broker holds then, it forgets."""
        if self._timer is not None:
            self._timer.cancel()
        super().stop(c)

    def get_consumers(self, channel: Any) -> list[Consumer]:
        """Returns one consumer, on a channel of its own."""
        intake = settings().intake
        name = intake.backfill_queue if self.backfill else intake.queue
        found = queue(name, settings().broker.url)
        return [Consumer(channel, [found], on_message=self._gather, prefetch_count=intake.batch_messages)]

    def _gather(self, message: Message) -> None:
        with self._lock:
            self._gathered.append(message)
            if len(self._gathered) >= settings().intake.batch_messages:
                self._hand_on()

    def _hand_on(self) -> None:
        with self._lock:
            gathered, self._gathered = self._gathered, []
        if not gathered:
            return
        intake = settings().intake
        self._app.send_task(
            "tasks.changes.apply",
            args=[intake.format, [_text(message.body, intake.max_message_bytes) for message in gathered]],
            kwargs={"backfill": True} if self.backfill else {},
            queue=BACKFILL if self.backfill else CHANGES,
        )
        for message in gathered:  # this broker knows only single messages
            message.ack()


class Backfill(SegmentChanges):
    """Gathers the messages of the queue of bulk loads in the same way."""

    backfill = True


def _text(body: str | bytes | None, limit: int) -> str:
    """Returns the body as text, cut just behind the limit: that is enough to see that it is too large."""
    cut = (body or "")[: limit + 1]
    return cut if isinstance(cut, str) else cut.decode(errors="replace")
