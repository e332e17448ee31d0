"""Delivering. A ring is a doorbell: it says that something may be due, the store says what."""

from collections.abc import Iterable
from time import monotonic

import structlog
from celery import shared_task

from tasks.base import CANNOT_PUBLISH, PUBLISH, at_hand, interruptible
from tasks.worker import stopping

log = structlog.get_logger(__name__)
TURN_SECONDS = 5.0
"""How long one run goes on before it lets other work have its turn."""


@shared_task(name="tasks.delivery.deliver")
def deliver(sync: str) -> None:
    """Delivers what is due for `sync`; rings again where it did not come to the end."""
    end = monotonic() + TURN_SECONDS
    with interruptible("deliver"):
        finished = at_hand().courier(sync).deliver(until=lambda: monotonic() > end or stopping())
        if not finished:
            ring([sync])


def ring(syncs: Iterable[str]) -> None:
    """Says that something may be due. A ring that is lost costs nothing but the time to the next sweep."""
    try:
        for sync in sorted(syncs):
            deliver.apply_async(args=(sync,), **PUBLISH)
    except CANNOT_PUBLISH as error:
        log.warning("the doorbell is out of order: the sweep will look", reason=str(error))
