"""`connector dead-letters`: messages that no worker could finish."""

from dataclasses import asdict
from typing import Annotated

import typer
from pydantic_core import to_json
from rich.table import Table
from rich.text import Text
from typer import Option, Typer

from connector import dead_letters
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, out, settings_of
from connector.errors import SettingsError
from connector.queues import durable

app = Typer(help="Look at, replay and discard messages that no worker could finish.", no_args_is_help=False)


@app.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    settings: SettingsFile = SETTINGS_TOML,
    limit: Annotated[int, Option(help="How many at the most.")] = 20,
    json: AsJson = False,
) -> None:
    """Look at the first of them; they stay where they are."""
    if context.invoked_subcommand is not None:
        return
    found = dead_letters.look(_broker(settings), limit)
    if json:
        for each in found:
            out.out(to_json(asdict(each)).decode(), highlight=False)
        return
    table = Table("queue", "reason", "times", "messages", "begins with")
    for each in found:
        cells = (each.queue, each.reason, str(each.times), str(each.messages), each.text[:80])
        table.add_row(*map(Text, cells))
    out.print(table if found else "No dead letters.")


@app.command()
def replay(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Publish all of them again where they came from, batches as single messages."""
    out.print(f"{dead_letters.replay(_broker(settings))} published again", highlight=False)


@app.command()
def discard(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Drop all of them for good."""
    typer.confirm("Drop all dead letters for good?", abort=True, err=True)
    out.print(f"{dead_letters.discard(_broker(settings))} dropped", highlight=False)


def _broker(settings: SettingsFile) -> str:
    url = settings_of(settings).broker.url
    if not durable(url):
        raise SettingsError("broker.url: memory:// has no dead letters; a fleet's broker, amqp://, has")
    return url
