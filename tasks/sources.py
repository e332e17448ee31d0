"""Looks whether a source is due, or a backfill or a job over problems is running that no process advances."""

from contextlib import suppress
from functools import partial

import structlog
from celery import shared_task

from connector.admin.problems import remedies
from connector.bulk import problem_job
from connector.bulk.backfill import lease_name, take_further, waiting
from connector.bulk.warehouse import scheduling
from connector.bulk.warehouse.run import StoppedError
from tasks.background import begin, ending
from tasks.base import interruptible, runtime

log = structlog.get_logger(__name__)


@shared_task(name="tasks.sources.look")
def look() -> None:
    """Begins, in threads of this process, the work that no process does."""
    with interruptible("look"):
        for name in scheduling.due(runtime()):
            begin(scheduling.lease_name(name), partial(_run_source, name))
        for id in waiting(runtime()):
            begin(lease_name(id), partial(take_further, runtime(), id, until=ending))
        for id in problem_job.waiting(runtime()):
            work = partial(problem_job.take_further, runtime(), id, remedies, until=ending)
            begin(problem_job.lease_name(id), work)


def _run_source(name: str) -> None:
    with suppress(StoppedError):
        state = scheduling.take_turn(runtime(), name, until=ending)
        if state is not None and state.error:
            log.warning("a source did not come to its end", source=name, reason=state.error)
