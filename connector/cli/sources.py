"""`connector sources`: warehouses that are read, how their last runs went, and when the next ones are due."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from typer import Argument, Option, Typer

from connector.bulk.tabular import unheard_segments
from connector.bulk.warehouse import scheduling
from connector.bulk.warehouse.scheduling import SourceStanding
from connector.cli.opening import opened
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, err, next_run, out
from connector.cli.tables import table
from connector.errors import ConnectorError
from connector.model.source_state import Counts, SourceState
from connector.runtime import Runtime

app = Typer(help="List the warehouses that are read, and run one.", no_args_is_help=False)
SourceName = Annotated[str, Argument(help="The source, as the settings name it.")]
Now = Annotated[bool, Option("--now", help="Run it here, to its end, instead of leaving it to a worker.")]
MayLeave = Annotated[bool, Option("--may-leave", help="However many rows are gone: who they stood for leaves.")]
Again = Annotated[bool, Option("--again", help="Take every row in, also those that did not change.")]


@app.callback(invoke_without_command=True)
def listing(context: typer.Context, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """List the sources: the last run, what came of it, the next one."""
    if context.invoked_subcommand is not None:
        return
    runtime = opened(settings)
    found = scheduling.standings(runtime)
    runtime.close()
    if json:
        for each in found:
            out.out(to_json(_as_json(each)).decode(), highlight=False)
        return
    columns = ("source", "last run", "next run", "how it went")
    shown = table(columns, map(_cells, found), whole=columns[1:3])
    out.print(shown if found else "No sources: the settings name none.")


@app.command()
def run(
    name: SourceName,
    settings: SettingsFile = SETTINGS_TOML,
    now: Now = False,
    may_leave: MayLeave = False,
    again: Again = False,
    json: AsJson = False,
) -> None:
    """Run a source before its time: by the next worker that looks, or here and now. Exit code 1 where it failed."""
    runtime = opened(settings)
    if (unheard := unheard_segments.warning(runtime.store, runtime.syncs, scheduling.find(runtime, name))) is not None:
        err.print(unheard, highlight=False, soft_wrap=True, markup=False)
    scheduling.ask(runtime, name, may_leave=may_leave, again=again)
    if now:
        state = _run_here(runtime, name, silent=json)
        if state is None:
            raise ConnectorError(f"the source {name} is being run by somebody else: `connector sources` shows how far")
    found = next(each for each in scheduling.standings(runtime) if each.name == name)
    runtime.close()
    words = to_json(_as_json(found)).decode() if json else f"{name}: {_wording(found)}"
    out.print(words, highlight=False, soft_wrap=True)
    if now and found.state.error:
        raise typer.Exit(1)


def _run_here(runtime: Runtime, name: str, *, silent: bool) -> SourceState | None:
    with _counter(name, silent=silent) as report:
        return scheduling.take_turn(runtime, name, report=report)


@contextmanager
def _counter(name: str, *, silent: bool) -> Iterator[Any]:
    """Shows on a terminal how many rows have been read."""
    columns = (TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=silent or not err.is_terminal) as progress:
        task = progress.add_task(name)

        def report(counts: Counts) -> None:
            progress.update(task, description=f"{name}: {counts.rows:,} rows, {counts.changed:,} changed")

        yield report


def _cells(status: SourceStanding) -> tuple[str, ...]:
    state = status.state
    last = "" if state.started_at is None else day_and_time(state.started_at)
    return f"{state.name} ({status.configured.kind})", last, next_run(status.next_at), _wording(status)


def _wording(status: SourceStanding) -> str:
    state, counts = status.state, status.state.counts
    if state.asked and not status.running:
        return "asked for; a worker, or `connector run`, takes it within seconds"
    figures = f"{counts.rows:,} rows, {counts.changed:,} changed, {counts.left:,} left"
    bad = f", {counts.unreadable:,} could not be read (`connector problems`)" if counts.unreadable else ""
    twice = f", {counts.repeated:,} with a key that came before" if counts.repeated else ""
    return f"{figures}{bad}{twice}; {_how(status)}"


def _how(status: SourceStanding) -> str:
    state = status.state
    if status.running:
        return "running"
    if state.under_way:
        return "interrupted, goes on by itself"
    if state.started_at is None:
        return "never run"
    return state.error or "done"


def _as_json(status: SourceStanding) -> dict[str, Any]:
    state = status.state
    return {
        "source": state.name,
        "kind": status.configured.kind,
        "running": status.running,
        "asked": state.asked,
        "started_at": state.started_at,
        "ended_at": state.ended_at,
        **state.counts._asdict(),
        "next_at": status.next_at,
        "failures": state.failures,
        "error": state.error,
    }
