"""Delivers. A ring is a doorbell: it says that something may be due, and the store says what."""

import atexit
from collections.abc import Iterable
from functools import cache
from time import monotonic

from celery import shared_task

from connector.broker.doorbell import Doorbell
from tasks import pool_places
from tasks.base import interruptible, runtime
from tasks.worker import stopping

TURN_SECONDS = 5.0
"""How long one run goes on before it lets other work have its turn."""


@shared_task(name="tasks.delivery.deliver")
def deliver(sync: str) -> None:
    """Delivers what is due for `sync`. Rings again if it did not come to the end, and for those who found no place."""
    end = monotonic() + TURN_SECONDS
    with interruptible("deliver"), pool_places.place(sync) as free:
        if not free:
            return
        finished = runtime().courier(sync).deliver(until=lambda: monotonic() > end or stopping())
        if not finished:
            ring([sync])
    ring(pool_places.take_waiting(sync))


def ring(syncs: Iterable[str]) -> None:
    """Says that something may be due, and does not wait. A lost ring costs nothing but the time to the next sweep."""
    _doorbell()(syncs)


@cache
def _doorbell() -> Doorbell:
    doorbell = Doorbell(deliver.app)
    atexit.register(doorbell.close)
    return doorbell
