"""`connector sources`: warehouses that are read, how their last runs went, and when the next ones are due."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from typer import Argument, Option, Typer

from connector.runtime import AtHand
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, err, opened, out
from connector.errors import ConnectorError
from connector.model.source_run import Counts, SourceState
from connector.bulk.warehouse import turns
from connector.bulk.warehouse.turns import Standing

app = Typer(help="List the warehouses that are read, and run one.", no_args_is_help=False)
Name = Annotated[str, Argument(help="The source, as the settings name it.")]
Now = Annotated[bool, Option("--now", help="Run it here, to its end, instead of leaving it to a worker.")]
MayLeave = Annotated[bool, Option("--may-leave", help="However many rows are gone: who they stood for leaves.")]
Again = Annotated[bool, Option("--again", help="Take every row in, also those that did not change.")]


@app.callback(invoke_without_command=True)
def listing(context: typer.Context, settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """List the sources: the last run, what came of it, the next one."""
    if context.invoked_subcommand is not None:
        return
    at_hand = opened(settings)
    found = turns.standings(at_hand)
    at_hand.close()
    if json:
        for each in found:
            out.out(to_json(_as_json(each)).decode(), highlight=False)
        return
    table = Table("source", "kind", "last run", "rows", "changed", "left", "next run", "how it went")
    for each in found:
        table.add_row(*map(Text, _cells(each)))
    out.print(table if found else "No sources: the settings name none.")


@app.command()
def run(
    name: Name,
    settings: SettingsFile = SETTINGS_TOML,
    now: Now = False,
    may_leave: MayLeave = False,
    again: Again = False,
    json: AsJson = False,
) -> None:
    """Run a source before its time: by the next worker that looks, or here and now. Exit code 1 where it failed."""
    at_hand = opened(settings)
    turns.ask(at_hand, name, may_leave=may_leave, again=again)
    if now:
        state = _run_here(at_hand, name, silent=json)
        if state is None:
            raise ConnectorError(f"the source {name} is being run by somebody else: `connector sources` shows how far")
    found = next(each for each in turns.standings(at_hand) if each.source.name == name)
    at_hand.close()
    words = to_json(_as_json(found)).decode() if json else f"{name}: {_wording(found)}"
    out.print(words, highlight=False, markup=False, soft_wrap=True)
    if now and found.state.error:
        raise typer.Exit(1)


def _run_here(at_hand: AtHand, name: str, *, silent: bool) -> SourceState | None:
    with _counter(name, silent=silent) as report:
        return turns.take_turn(at_hand, name, report=report)


@contextmanager
def _counter(name: str, *, silent: bool) -> Iterator[Any]:
    """Shows on a terminal how many rows have been read."""
    columns = (TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=silent or not err.is_terminal) as progress:
        task = progress.add_task(name)

        def report(counts: Counts) -> None:
            progress.update(task, description=f"{name}: {counts.rows:,} rows, {counts.changed:,} changed")

        yield report


def _cells(standing: Standing) -> tuple[str, ...]:
    state = standing.state
    last = "" if state.started_at is None else day_and_time(state.started_at)
    counts = [f"{each:,}" for each in (state.counts.rows, state.counts.changed, state.counts.left)]
    return (state.name, standing.source.kind, last, *counts, _next(standing), _how(standing))


def _wording(standing: Standing) -> str:
    state, counts = standing.state, standing.state.counts
    if state.asked and not standing.running:
        return "asked for; a worker, or `connector run`, takes it within seconds"
    figures = f"{counts.rows:,} rows, {counts.changed:,} changed, {counts.left:,} left"
    bad = f", {counts.unreadable:,} could not be read (`connector problems`)" if counts.unreadable else ""
    twice = f", {counts.repeated:,} with a key that came before" if counts.repeated else ""
    return f"{figures}{bad}{twice}; {_how(standing)}"


def _how(standing: Standing) -> str:
    state = standing.state
    if standing.running:
        return "running"
    if state.under_way:
        return "interrupted, goes on by itself"
    if state.started_at is None:
        return "never run"
    return state.error or "done"


def _next(standing: Standing) -> str:
    if standing.next_at is None:
        return "by hand"
    return "now" if standing.next_at == 0 else day_and_time(standing.next_at)


def _as_json(standing: Standing) -> dict[str, Any]:
    state = standing.state
    return {
        "source": state.name,
        "kind": standing.source.kind,
        "running": standing.running,
        "asked": state.asked,
        "started_at": state.started_at,
        "ended_at": state.ended_at,
        **state.counts._asdict(),
        "next_at": standing.next_at,
        "failures": state.failures,
        "error": state.error,
    }
