"""The status of a job of any kind: how far it is, and what an operator should know while it stands still."""

from dataclasses import dataclass

from connector.bulk import backfill, problem_job, resync
from connector.bulk.resync import Progress
from connector.errors import SettingsError
from connector.model.job import UNDER_WAY, Job
from connector.runtime import Runtime

SILENT_SECONDS = 10.0
"""After so long without a step somebody should know that nobody takes a job further."""
NOBODY = (
    f"Nobody has taken it further for {SILENT_SECONDS:.0f} s: it needs a worker and one `celery -A tasks beat`, or "
    "`connector run`."
)


@dataclass(frozen=True, slots=True)
class JobStanding:
    """A job; due: people who are still due by it; note: why it stands still, "" where it does not."""

    job: Job
    due: int
    note: str

    @property
    def share(self) -> float | None:
        """Returns how much of the job is done, from 0 to 1; None where that is not known."""
        if self.job.state == "done":
            return 1.0
        return min(self.job.done / self.job.total, 1.0) if self.job.total else None


def counted(job: Job) -> str:
    """Returns the word for what a job counts, such as rows or people."""
    if job.kind in problem_job.ACTS:
        return "problems"
    return "rows" if job.kind == backfill.KIND else "people"


def progress(runtime: Runtime, job: Job) -> Progress:
    """Returns how a job is doing. Raises ConnectorError where it is gone, SettingsError where its sync is."""
    if job.kind in problem_job.ACTS:
        return problem_job.progress(runtime, job.id)
    if job.kind == backfill.KIND:
        return backfill.progress(runtime, job.id)
    return resync.progress(runtime, job.id)


def note(seen: Progress) -> str:
    """Returns what a human should know while a job does not move; "" for nothing."""
    if seen.job.state == "running" and seen.silent_seconds > SILENT_SECONDS:
        return NOBODY
    return f"Nothing is sent at the moment, the connection is paused: {seen.pause}" if seen.pause else ""


def standing(runtime: Runtime, job: Job) -> JobStanding:
    """Returns how a job stands. Raises ConnectorError where it is gone."""
    if job.state not in UNDER_WAY:
        return JobStanding(job, 0, "")
    try:
        seen = progress(runtime, job)
    except SettingsError as error:
        return JobStanding(job, 0, str(error))
    return JobStanding(seen.job, seen.due, note(seen))
