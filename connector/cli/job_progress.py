"""A job in the terminal: as a line, and as a bar until it is over."""

from time import sleep

import typer
from pydantic_core import to_json
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from connector.bulk import backfill, job_status, problem_job, resync
from connector.cli.invocation import CURRENT
from connector.cli.options import err, out
from connector.model.job import UNDER_WAY, Job
from connector.runtime import Runtime

INTERRUPTED = 130
_LOOK_SECONDS = 0.5
_WHERE = " where workers and beat, or `connector run`, are up"


def follow(runtime: Runtime, job: Job, *, json: bool) -> None:
    """Shows a job until it is over. Exit code 1: paused, cancelled, or nothing could be read. 130: Ctrl-C."""
    try:
        ended = _watch(runtime, job, silent=json)
    except KeyboardInterrupt:
        err.print(
            f"The {job.kind} goes on{_WHERE if job.kind in problem_job.ACTS else ''}. `connector jobs follow {job.id}` "
            f"shows it again, `connector jobs pause {job.id}` "
            f"or `connector jobs cancel {job.id}` stops it.",
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(INTERRUPTED) from None
    show(ended, json=json)
    if backfill.read_nothing(ended):
        err.print("No row could be read: `connector problems --kind unreadable` shows why.", soft_wrap=True)
        raise typer.Exit(1)
    if ended.state != "done":
        raise typer.Exit(1)


def show(job: Job, *, json: bool) -> None:
    """Prints a job in a line."""
    words = to_json(job).decode() if json else f"{job.kind} {job.id} of {job.sync}: {wording(job)}"
    out.print(words, highlight=False, soft_wrap=True)


def leave(job: Job, *, json: bool) -> None:
    """Leaves a job that was started to workers: prints it, and has the log of operators say no more than that."""
    if (invocation := CURRENT.get()) is not None:
        invocation.job = job.id
    show(job, json=json)


def wording(job: Job) -> str:
    """How far a job is."""
    counts = "".join(f", {count:,} {name}" for name, count in job.counts.items())
    if job.kind == backfill.KIND:
        of = f" of about {job.total:,}" if job.state in UNDER_WAY and job.total else ""
        return f"{job.state}, {job.done:,}{of} rows{counts}"
    return f"{job.state}, {job.done:,} of {job.total:,} {job_status.counted(job)}{counts}"


class _Rate(ProgressColumn):
    """People a second, lately."""

    def render(self, task: Task) -> Text:
        """The text of the column."""
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


def _watch(runtime: Runtime, job: Job, *, silent: bool) -> Job:
    """Looks again and again until the job is over, and nobody is due by it any more."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    said = ""
    with Progress(*columns, console=err, transient=True, disable=silent or not err.is_terminal) as bar:
        task = bar.add_task("", total=job.total or None)
        while not _over(seen := job_status.progress(runtime, job)):
            total = seen.job.total or None
            bar.update(task, completed=seen.job.done, total=total, description=f"{seen.due:,} still due")
            if (note := job_status.note(seen)) != said:
                err.print(said := note, highlight=False, soft_wrap=True)
            sleep(_LOOK_SECONDS)
    return seen.job


def _over(seen: resync.Progress) -> bool:
    return seen.job.state != "running" and not (seen.job.state == "done" and seen.due)
