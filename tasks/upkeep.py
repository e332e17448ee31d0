"""What must happen from time to time."""

from time import monotonic

from celery import shared_task

from connector.admin import retention as upkeep
from tasks.base import PUBLISH, at_hand, interruptible
from tasks.delivery import TURN_SECONDS, ring


@shared_task(name="tasks.upkeep.sweep")
def sweep() -> None:
    """Rings for whatever is due: a lost doorbell is made good by this."""
    with interruptible("sweep"):
        ring(upkeep.overdue(at_hand().store, at_hand().syncs))


@shared_task(name="tasks.upkeep.forget")
def forget() -> None:
    """Drops what was kept only to keep the order."""
    with interruptible("forget"):
        upkeep.forget_outsiders(at_hand().store)


@shared_task(name="tasks.upkeep.retain")
def retain() -> None:
    """Drops what need not be kept any longer; goes on in another turn where there is more of it."""
    end = monotonic() + TURN_SECONDS
    with interruptible("retain"):
        opened = at_hand()
        done = upkeep.retain(opened.store, opened.settings.retention, opened.syncs, until=lambda: monotonic() > end)
        if not done:
            retain.apply_async(**PUBLISH)
