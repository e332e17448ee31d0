"""Folds Customer.io's webhooks into profiles."""

from time import monotonic

from celery import shared_task

from connector.activity import fields
from connector.activity.fold import Folding
from tasks.base import PUBLISH, interruptible, runtime
from tasks.delivery import TURN_SECONDS


@shared_task(name="tasks.activity.fold")
def fold() -> None:
    """Folds what waits. Goes on in another turn if there is more of it."""
    end = monotonic() + TURN_SECONDS
    with interruptible("fold"):
        opened = runtime()
        settings = opened.settings
        folding = Folding(fields.of(settings.profiles), settings.profiles.leave_out_machines, opened.syncs)
        if not folding.fold(opened.store, settings.connections, until=lambda: monotonic() > end):
            fold.apply_async(**PUBLISH)
