"""`connector jobs`: long pieces of work, how far they are, and how to stop them."""

from collections.abc import Callable
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text
from typer import Argument, Option, Typer

from connector.bulk import jobs
from connector.cli import job_progress as following
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, opened, out
from connector.model.job import Job
from connector.store import jobs as stored
from connector.store.opening import Store

app = Typer(help="List, follow, pause, resume and cancel long pieces of work.", no_args_is_help=False)
Id = Annotated[str, Argument(help="The job's id, or how it begins.")]


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
    at_hand = opened(settings)
    with at_hand.store.reading() as connection:
        found = stored.find(connection, limit=limit)
    at_hand.close()
    if json:
        for job in found:
            following.show(job, json=True)
        return
    table = Table("id", "kind", "sync", "people", "a second", "begun", "how far")
    for job in found:
        begun = day_and_time(job.created_at)
        cells = (job.id, job.kind, job.sync, f"{job.total:,}", f"{job.per_second:,.0f}", begun, following.wording(job))
        table.add_row(*map(Text, cells))
    out.print(table if found else "No jobs.")


@app.command()
def follow(id: Id, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """Show how far a job is until it is over."""
    at_hand = opened(settings)
    following.follow(at_hand, jobs.find(at_hand.store, id), json=json)
    at_hand.close()


@app.command()
def pause(id: Id, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """Stop a job where it is. What it has made due is delivered all the same."""
    _turn(settings, id, jobs.pause, json=json)


@app.command()
def resume(id: Id, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """Let a paused job go on from where it is."""
    _turn(settings, id, jobs.resume, json=json)


@app.command()
def cancel(id: Id, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """End a job before its end. What it has made due is delivered all the same."""
    _turn(settings, id, jobs.cancel, json=json)


def _turn(settings: SettingsFile, id: str, turn: Callable[[Store, str], Job], *, json: bool) -> None:
    at_hand = opened(settings)
    following.show(turn(at_hand.store, id), json=json)
    at_hand.close()
