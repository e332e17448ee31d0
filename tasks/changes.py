"""Taking changes in."""

from time import monotonic, sleep
from typing import Any

import structlog
from celery import shared_task
from celery.exceptions import Reject

from connector import inbox
from connector.errors import StoreError
from connector.intake import Accepted
from tasks.base import at_hand
from tasks.delivery import ring
from tasks.worker import stopping

log = structlog.get_logger(__name__)
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0
_LOOK_SECONDS = 0.2
HOLD_SECONDS = 600.0
"""How long a batch is held while the store fails. RabbitMQ takes back after half an hour what is not acknowledged, and
counts each time it does: so a batch is held rather than given back again and again.
"""


@shared_task(name="tasks.changes.apply")
def apply(format: str, messages: list[Any], backfill: bool = False) -> None:
    """Takes in messages of one format, each a JSON value or its text; acknowledged only once they are committed.

    backfill: they are delivered behind what is live.
    """
    give_back_at = monotonic() + HOLD_SECONDS
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            accepted = _take(format, messages, backfill)
        except StoreError as error:
            log.warning("the store failed: the batch is held", reason=str(error), messages=len(messages))
            if stopping() or monotonic() > give_back_at:
                raise Reject(str(error), requeue=True) from None  # the reason is said already
        else:
            ring(accepted.due)
            return
        _rest(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _rest(seconds: float) -> None:
    """Sleeps, but not on while the worker is to end."""
    end = monotonic() + seconds
    while monotonic() < end and not stopping():
        sleep(_LOOK_SECONDS)


def _take(format: str, messages: list[Any], backfill: bool) -> Accepted:
    opened = at_hand()
    limit = opened.settings.intake.max_message_bytes
    return inbox.take(opened.store, opened.syncs, format, messages, limit, backfill=backfill)
