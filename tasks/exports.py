"""Looks whether an export is due."""

from contextlib import suppress
from functools import partial

import structlog
from celery import shared_task

from connector.bulk.export import turn
from connector.bulk.warehouse.run import StoppedError
from tasks.background import begin, ending
from tasks.base import interruptible, runtime

log = structlog.get_logger(__name__)


@shared_task(name="tasks.exports.look")
def look() -> None:
    """Begins, in threads of this process, the exports that no process runs."""
    with interruptible("look"):
        for name in turn.due(runtime()):
            begin(turn.lease_name(name), partial(_run, name))


def _run(name: str) -> None:
    with suppress(StoppedError):
        state = turn.take_turn(runtime(), name, until=ending)
        if state is not None and state.error:
            log.warning("an export did not come to its end", export=name, reason=state.error)
