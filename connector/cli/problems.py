"""`connector problems`: what needs a human, and what to do about it."""

from typing import Annotated, Any, get_args

import typer
from pydantic_core import to_json
from rich.table import Table
from rich.text import Text
from typer import Argument, Option, Typer

from connector import remedy
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, opened, out
from connector.model.problem import Kind
from connector.store import problems
from connector.store.problems import Kept

app = Typer(help="List, show, replay and discard what needs a human.", no_args_is_help=False)
Id = Annotated[str, Argument(help="The problem's id, or how it begins.")]


@app.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    settings: SettingsFile = SETTINGS_TOML,
    kind: Annotated[str, Option(help=f"Only of this kind: {', '.join(get_args(Kind))}.")] = "",
    limit: Annotated[int, Option(help="How many at the most, the latest first.")] = 50,
    json: AsJson = False,
) -> None:
    """List problems, the latest first."""
    if context.invoked_subcommand is not None:
        return
    at_hand = opened(settings)
    with at_hand.store.reading() as connection:
        found = problems.kept(connection, kind=kind, limit=limit)
    at_hand.close()
    if json:
        for each in found:
            out.out(to_json(_as_json(each)).decode(), highlight=False)
        return
    table = Table("id", "kind", "sync", "user", "times", "last", "reason")
    for each in found:
        last = day_and_time(each.last_at)
        problem = each.problem
        cells = (each.id[:8], problem.kind, each.sync, problem.subject, str(each.count), last, problem.reason)
        table.add_row(*map(Text, cells))
    out.print(table if found else "No problems.")


@app.command()
def show(id: Id, settings: SettingsFile = SETTINGS_TOML) -> None:
    """Show a problem whole, with what it stopped."""
    at_hand = opened(settings)
    out.print_json(to_json(_as_json(remedy.find(at_hand, id))).decode())
    at_hand.close()


@app.command()
def replay(
    id: Id,
    settings: SettingsFile = SETTINGS_TOML,
    format: Annotated[str, Option("--format", "-f", help="The form of an unreadable message.")] = "hull",
) -> None:
    """Try again what the problem stopped, once its cause is mended."""
    at_hand = opened(settings)
    out.print(remedy.replay(at_hand, remedy.find(at_hand, id), format), highlight=False)
    at_hand.close()


@app.command()
def discard(id: Id, settings: SettingsFile = SETTINGS_TOML) -> None:
    """Take a problem from the list; nothing else changes."""
    at_hand = opened(settings)
    kept = remedy.find(at_hand, id)
    remedy.discard(at_hand, kept)
    at_hand.close()
    out.print(f"{kept.id} discarded", highlight=False)


def _as_json(kept: Kept) -> dict[str, Any]:
    return {
        "id": kept.id,
        "sync": kept.sync,
        "kind": kept.problem.kind,
        "user": kept.problem.subject,
        "reason": kept.problem.reason,
        "times": kept.count,
        "first_at": kept.first_at,
        "last_at": kept.last_at,
        "payload": kept.problem.payload,
    }
