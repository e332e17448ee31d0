"""Does the periodic duties."""

from functools import cache, partial
from time import monotonic

from celery import shared_task

from connector.admin import deviations, late_failures, problem_list, retention
from connector.admin.heartbeat import Pulse
from connector.alerts.measure import measure as take_measure
from connector.alerts.turn import AlertTurn
from connector.delivery import other_syncs
from connector.delivery.sweep import overdue
from tasks.background import begin, ending
from tasks.base import PUBLISH, interruptible, runtime
from tasks.delivery import TURN_SECONDS, ring

_pulse = Pulse()


@shared_task(name="tasks.upkeep.sweep")
def sweep() -> None:
    """Rings for every sync with something due, which makes up for lost doorbells."""
    with interruptible("sweep"):
        ring(overdue(runtime().store, runtime().syncs))
        _pulse.note(runtime().store)


@shared_task(name="tasks.upkeep.compare")
def compare() -> None:
    """Says how many people changed settings concern, and lets nobody hold an identifier beside another user."""
    end = monotonic() + TURN_SECONDS
    with interruptible("compare"):
        other_syncs.part(runtime().store, runtime().syncs)
        deviations.tell(runtime(), until=lambda: monotonic() > end)


@shared_task(name="tasks.upkeep.ask_for_failures")
def ask_for_failures() -> None:
    """Begins, in threads of this process, to ask each workspace what it dropped after it had answered 200."""
    with interruptible("ask for failures"):
        for watch in late_failures.watches(runtime()):
            begin(late_failures.lease_name(watch.name), partial(watch.look, ending), long=False)


@shared_task(name="tasks.upkeep.alert")
def alert() -> None:
    """Begins, in a thread of this process, to look what needs somebody, and to tell of it."""
    with interruptible("alert"):
        begin("alerts", partial(_alerts().take, ending), long=False)


@shared_task(name="tasks.upkeep.measure")
def measure() -> None:
    """Begins, in a thread of this process, to count what is compared with its mean, once an hour."""
    with interruptible("measure"):
        begin("hourly", partial(take_measure, runtime().settings, runtime().store, ending), long=False)


@cache
def _alerts() -> AlertTurn:
    return AlertTurn(runtime().settings, runtime().store)


@shared_task(name="tasks.upkeep.forget")
def forget() -> None:
    """Drops the rows that were kept only to keep the order of messages."""
    with interruptible("forget"):
        retention.forget_outsiders(runtime().store)


@shared_task(name="tasks.upkeep.retain")
def retain() -> None:
    """Drops what need not be kept any longer. Goes on in another turn if there is more of it."""
    end = monotonic() + TURN_SECONDS
    with interruptible("retain"):
        opened = runtime()
        problem_list.note_causes(opened.store)
        done = retention.retain(opened.store, opened.settings.retention, opened.syncs, until=lambda: monotonic() > end)
        if not done:
            retain.apply_async(**PUBLISH)
