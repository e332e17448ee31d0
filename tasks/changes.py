"""Takes changes in, on the in-process broker. On RabbitMQ a reader takes them in (`tasks.reader`)."""

from collections.abc import Sequence
from typing import Any

import structlog
from celery import shared_task
from celery.exceptions import Reject

from connector.intake import bodies
from connector.intake.traced import Telling
from connector.model.change import Unreadable
from tasks.base import runtime
from tasks.delivery import ring
from tasks.reader import known_good_messages
from tasks.reader.batch_isolation import BatchIsolation, HeldError, told
from tasks.worker import rest, stopping

log = structlog.get_logger(__name__)
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0


@shared_task(name="tasks.changes.apply")
def apply(format: str, messages: list[Any], backfill: bool = False) -> None:
    """Takes in messages of one format, each a JSON value or its text. Acknowledged only once they are committed.

    backfill: the changes are delivered behind live ones.
    """
    isolation = _isolation(format, backfill)
    left = list(messages)
    pause = _FIRST_PAUSE_SECONDS

    def done(count: int) -> None:
        del left[:count]

    while left:
        try:
            isolation.take(tuple(left), done)
        except HeldError as error:
            log.warning("nothing can be taken in: the batch is held", reason=str(error), messages=len(left))
            if stopping():
                raise Reject(str(error), requeue=True) from None  # the reason is said already
            rest(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _isolation(format: str, backfill: bool) -> BatchIsolation[Any]:
    opened = runtime()
    limit = opened.settings.intake.max_message_bytes

    def take(messages: Sequence[Any]) -> None:
        telling = Telling(opened.tracer, apply.name)
        taken = bodies.take(opened.store, opened.syncs, format, messages, limit, backfill=backfill, telling=telling)
        ring(taken.due)

    def set_aside(message: Any, error: Exception) -> None:
        take([Unreadable(f"taking it in failed, and its neighbours went on: {told(error)}", message)])

    return BatchIsolation(take, lambda: known_good_messages.probe(opened, opened.settings.intake.format), set_aside)
