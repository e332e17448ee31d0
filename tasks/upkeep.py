"""What must happen from time to time."""

from celery import shared_task

from connector import upkeep
from tasks.base import at_hand
from tasks.delivery import ring


@shared_task(name="tasks.upkeep.sweep")
def sweep() -> None:
    """Rings for whatever is due: a lost doorbell is made good by this."""
    ring(upkeep.overdue(at_hand().store, at_hand().syncs))


@shared_task(name="tasks.upkeep.forget")
def forget() -> None:
    """Drops what was kept only to keep the order."""
    upkeep.forget_outsiders(at_hand().store)
