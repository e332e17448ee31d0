"""Long pieces of work, a little at a time."""

from time import monotonic

from celery import shared_task

from connector.bulk import resync
from tasks.base import at_hand, interruptible
from tasks.delivery import TURN_SECONDS, ring


@shared_task(name="tasks.jobs.advance")
def advance() -> None:
    """Takes every running resync as far as its pace allows, and rings for what that made due."""
    end = monotonic() + TURN_SECONDS
    with interruptible("advance"):
        ring(resync.advance(at_hand(), until=lambda: monotonic() > end))
