"""`connector export`: the row-level log, written to files or a table; how its runs went, and one more of them."""

from contextlib import closing
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from typer import Argument, Option

from connector.bulk.export import turn
from connector.bulk.export.turn import ExportStanding
from connector.cli.opening import opened
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, next_run, out
from connector.cli.tables import table
from connector.errors import ConnectorError
from connector.runtime import Runtime


def export(
    name: Annotated[str, Argument(help="The export, as the settings name it; left out, all are listed.")] = "",
    settings: SettingsFile = SETTINGS_TOML,
    once: Annotated[
        bool, Option("--once", help="Run it here, once, to its end, instead of leaving it to a worker.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Run an export of what was sent, who is held or what ran; without NAME, list the exports.

    Exit code 1 where it failed.
    """
    with closing(opened(settings)) as runtime:
        if name:
            _run(runtime, name, here=once)
        found = [each for each in turn.standings(runtime) if name in ("", each.name)]
    if json:
        for each in found:
            out.out(to_json(_as_json(each)).decode(), highlight=False)
    elif name:
        out.print(f"{name}: {_wording(found[0])}", highlight=False, soft_wrap=True, markup=False)
    else:
        _list(found)
    if once and name and found[0].state.error:
        raise typer.Exit(1)


def _run(runtime: Runtime, name: str, *, here: bool) -> None:
    turn.ask(runtime, name)
    if here and turn.take_turn(runtime, name) is None:
        raise ConnectorError(f"the export {name} is being run by somebody else: `connector export` shows how far")


def _list(found: list[ExportStanding]) -> None:
    columns = ("export", "last run", "next run", "how it went")
    shown = table(columns, map(_cells, found), whole=columns[1:3])
    out.print(shown if found else "No exports: the settings name none.")


def _cells(status: ExportStanding) -> tuple[str, ...]:
    state = status.state
    last = "" if state.started_at is None else day_and_time(state.started_at)
    return f"{state.name} ({status.configured.what})", last, next_run(status.next_at), _wording(status)


def _wording(status: ExportStanding) -> str:
    state = status.state
    if status.running:
        return f"running, {state.rows:,} rows"
    if state.asked:
        return "asked for; a worker, or `connector run`, takes it within seconds"
    if state.started_at is None:
        return "never run"
    if state.under_way:
        return "interrupted, goes on by itself"
    return state.error or f"{state.rows:,} rows, {state.total:,} in all runs; done"


def _as_json(status: ExportStanding) -> dict[str, Any]:
    state = status.state
    return {
        "export": state.name,
        "what": status.configured.what,
        "running": status.running,
        "asked": state.asked,
        "started_at": state.started_at,
        "ended_at": state.ended_at,
        "rows": state.rows,
        "total": state.total,
        "next_at": status.next_at,
        "failures": state.failures,
        "error": state.error,
    }
