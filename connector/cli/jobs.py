"""`connector jobs`: long pieces of work, how far they are, and how to stop them."""

from collections.abc import Callable
from typing import Annotated

import typer
from typer import Argument, Option, Typer

from connector.bulk import job_status, jobs
from connector.cli import job_progress
from connector.cli.opening import opened
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, out
from connector.cli.tables import table
from connector.model.job import Job
from connector.model.visible import visible
from connector.store import jobs as stored
from connector.store.engine import Store

app = Typer(help="List, follow, pause, resume and cancel long pieces of work.", no_args_is_help=False)
JobId = Annotated[str, Argument(help="The job's id, or how it begins.")]


@app.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    settings: SettingsFile = SETTINGS_TOML,
    limit: Annotated[int, Option(help="How many at the most, the latest first.")] = 50,
    json: AsJson = False,
) -> None:
    """List jobs, the latest first."""
    if context.invoked_subcommand is not None:
        return
    runtime = opened(settings)
    with runtime.store.reading() as tx:
        found = stored.find(tx, limit=limit)
    runtime.close()
    if json:
        for job in found:
            job_progress.show(job, json=True)
        return
    columns = ("id", "begun", "by", "what", "how far")
    out.print(table(columns, map(_cells, found), whole=columns[:2]) if found else "No jobs.")


@app.command()
def follow(id: JobId, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """Show how far a job is until it is over."""
    runtime = opened(settings)
    job_progress.follow(runtime, jobs.find(runtime.store, id), json=json)
    runtime.close()


@app.command()
def pause(id: JobId, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """Stop a job where it is. What it has made due is delivered all the same."""
    _turn(settings, id, jobs.pause, json=json)


@app.command()
def resume(id: JobId, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """Let a paused job go on from where it is."""
    _turn(settings, id, jobs.resume, json=json)


@app.command()
def cancel(id: JobId, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """End a job before its end. What it has made due is delivered all the same."""
    _turn(settings, id, jobs.cancel, json=json)


def _cells(job: Job) -> tuple[str, ...]:
    what = f"{job.kind} {job.sync}: {job.total:,} {job_status.counted(job)}, {job.per_second:,.0f} a second"
    return job.id, day_and_time(job.created_at), visible(job.started_by), what, job_progress.wording(job)


def _turn(settings: SettingsFile, id: str, turn: Callable[[Store, str], Job], *, json: bool) -> None:
    runtime = opened(settings)
    job_progress.show(turn(runtime.store, id), json=json)
    runtime.close()
