"""`connector imports`: the jobs that take in what Customer.io reports, and those that send it on."""

from collections.abc import Callable
from contextlib import closing
from typing import Annotated

import typer
from pydantic_core import to_json
from typer import Argument, Option, Typer

from connector.activity import imports
from connector.activity.imports import ImportStatus
from connector.cli.opening import opened
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, out
from connector.cli.tables import table
from connector.model.import_job import ImportJob
from connector.model.visible import visible
from connector.store.engine import Store

app = Typer(help="List, start, pause, resume and end the imports of what Customer.io reports.", no_args_is_help=False)
ImportId = Annotated[str, Argument(help="The import's id, or how it begins; or its connection or target.")]
ImportName = Annotated[str, Argument(help="The connection whose webhooks are taken in; with --out the target.")]
ImportOut = Annotated[bool, Option("--out", help="Not the way in, but on to a target of [out].")]
ImportLabel = Annotated[str, Option(help="What people read in place of the name.")]
ImportDescription = Annotated[str, Option(help="What it is for.")]


@app.callback(invoke_without_command=True)
def listing(context: typer.Context, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """List imports, the latest first. Where none was ever started, webhooks are folded and go on all the same."""
    if context.invoked_subcommand is not None:
        return
    with closing(opened(settings)) as runtime:
        found = imports.listed(runtime.store)
    if json:
        for each in found:
            typer.echo(to_json({**each.job._asdict(), "waiting": each.waiting}).decode())
        return
    columns = ("id", "started", "which", "state", "waiting", "what for")
    out.print(table(columns, map(_cells, found), whole=columns[:2]) if found else "No imports.")


@app.command()
def start(
    name: ImportName,
    settings: SettingsFile = SETTINGS_TOML,
    out: ImportOut = False,
    label: ImportLabel = "",
    description: ImportDescription = "",
) -> None:
    """Start an import. What came while the one before stood still is taken up."""
    with closing(opened(settings)) as runtime:
        known = runtime.settings.out if out else runtime.settings.connections
        job = imports.start(runtime.store, "out" if out else "in", name, known, label, description)
    _say(job)


@app.command()
def pause(id: ImportId, settings: SettingsFile = SETTINGS_TOML) -> None:
    """Pause an import. What comes meanwhile is kept, and neither folded nor sent on."""
    _turn(settings, id, imports.pause)


@app.command()
def resume(id: ImportId, settings: SettingsFile = SETTINGS_TOML) -> None:
    """Let a paused import go on, with what came meanwhile."""
    _turn(settings, id, imports.resume)


@app.command()
def end(id: ImportId, settings: SettingsFile = SETTINGS_TOML) -> None:
    """End an import. Webhooks that come are kept until another one is started."""
    _turn(settings, id, imports.end)


def _turn(settings: SettingsFile, id: str, turn: Callable[[Store, str], ImportJob]) -> None:
    with closing(opened(settings)) as runtime:
        job = turn(runtime.store, id)
    _say(job)


def _say(job: ImportJob) -> None:
    out.print(f"{job.id}: {job.direction} {job.name}: {job.state}", highlight=False)


def _cells(each: ImportStatus) -> tuple[str, ...]:
    job = each.job
    which = f"{job.direction} {job.label or job.name}"
    started, waiting = day_and_time(job.started_at), f"{each.waiting:,}"
    return job.id, started, visible(which), job.state, waiting, visible(job.description)
