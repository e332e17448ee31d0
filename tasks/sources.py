"""Looking whether a source is due, or a backfill is under way that nobody takes further."""

from contextlib import suppress
from functools import partial

import structlog
from celery import shared_task

from connector.bulk import backfill
from connector.bulk.warehouse import turns
from connector.bulk.warehouse.run import StoppedError
from tasks.background import begin, ending
from tasks.base import at_hand, interruptible

log = structlog.get_logger(__name__)


@shared_task(name="tasks.sources.look")
def look() -> None:
    """Begins what nobody is at, in threads of this process."""
    with interruptible("look"):
        for name in turns.due(at_hand()):
            begin(turns.lease_name(name), partial(_run_source, name))
        for id in backfill.waiting(at_hand()):
            begin(backfill.lease_name(id), partial(backfill.take_further, at_hand(), id, until=ending))


def _run_source(name: str) -> None:
    with suppress(StoppedError):
        state = turns.take_turn(at_hand(), name, until=ending)
        if state is not None and state.error:
            log.warning("a source did not come to its end", source=name, reason=state.error)
