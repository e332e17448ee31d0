"""Folds Customer.io's webhooks into profiles, and sends on what was folded."""

from functools import partial
from time import monotonic

from celery import shared_task

from connector.activity import fields
from connector.activity.fold import Folding
from connector.activity.out import pump, targets
from connector.activity.out.outbox import Outbox
from connector.activity.out.pump import Pump
from tasks.background import begin, ending
from tasks.base import PUBLISH, interruptible, runtime
from tasks.delivery import TURN_SECONDS


@shared_task(name="tasks.activity.fold")
def fold() -> None:
    """Folds what waits. Goes on in another turn if there is more of it."""
    end = monotonic() + TURN_SECONDS
    with interruptible("fold"):
        opened = runtime()
        settings = opened.settings
        shown = fields.of(settings.profiles)
        outbox = Outbox(tuple(settings.out.values()), shown)
        folding = Folding(shown, settings.profiles.leave_out_machines, opened.syncs, outbox)
        if not folding.fold(opened.store, settings.connections, until=lambda: monotonic() > end):
            fold.apply_async(**PUBLISH)


@shared_task(name="tasks.activity.send_on")
def send_on() -> None:
    """Begins, in threads of this process, to send what waits to each target."""
    with interruptible("send on"):
        opened = runtime()
        settings = opened.settings
        for each in pump.due(opened.store, tuple(settings.out.values())):
            work = Pump(opened.store, each, targets.of(each, settings.broker), settings.delivery)
            begin(pump.lease_name(each.name), partial(work.run, ending), long=False)
