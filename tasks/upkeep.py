"""What must happen from time to time."""

from celery import shared_task

from connector import upkeep
from tasks.base import ConnectorTask
from tasks.delivery import ring


@shared_task(bind=True, name="tasks.upkeep.sweep")
def sweep(self: ConnectorTask) -> None:
    """Rings for whatever is due: a lost doorbell is made good by this."""
    ring(upkeep.overdue(self.at_hand.store, self.at_hand.syncs))


@shared_task(bind=True, name="tasks.upkeep.forget")
def forget(self: ConnectorTask) -> None:
    """Drops what was kept only to keep the order."""
    upkeep.forget_outsiders(self.at_hand.store)
