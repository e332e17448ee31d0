"""Advances long jobs, a little at a time."""

from time import monotonic

from celery import shared_task

from connector.bulk import resync
from tasks.base import interruptible, runtime
from tasks.delivery import TURN_SECONDS, ring


@shared_task(name="tasks.jobs.advance")
def advance() -> None:
    """Takes every running resync as far as its pace allows, and rings for those it made due."""
    end = monotonic() + TURN_SECONDS
    with interruptible("advance"):
        ring(resync.advance(runtime(), until=lambda: monotonic() > end))
