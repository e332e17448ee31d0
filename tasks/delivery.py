"""Delivering. A ring is a doorbell: it says that something may be due, the store says what."""

from collections.abc import Iterable
from time import monotonic

from celery import shared_task

from tasks.base import CONFIRM_SECONDS, at_hand

TURN_SECONDS = 5.0
"""How long one run goes on before it lets other work have its turn."""


@shared_task(name="tasks.delivery.deliver")
def deliver(sync: str) -> None:
    """Delivers what is due for `sync`; rings again where it did not come to the end."""
    end = monotonic() + TURN_SECONDS
    finished = at_hand().courier(sync).deliver(until=lambda: monotonic() > end)
    if not finished:
        ring([sync])


def ring(syncs: Iterable[str]) -> None:
    """Says that something may be due. A ring that is lost costs nothing but the time to the next sweep."""
    for sync in sorted(syncs):
        deliver.apply_async(args=(sync,), confirm_timeout=CONFIRM_SECONDS)  # type: ignore[call-arg]  # kombu takes it
