"""`connector dead-letters`: messages that no worker could finish."""

from dataclasses import asdict
from typing import Annotated

import typer
from pydantic_core import to_json
from typer import Option, Typer

from connector.broker import dead_letters
from connector.broker.queues import durable
from connector.cli.opening import settings_of
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, Yes, agreed, out
from connector.cli.tables import table
from connector.errors import SettingsError
from connector.model.visible import visible
from connector.settings.sections import BrokerSettings

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
    rows = [(each.queue, each.reason, str(each.times), str(each.messages), visible(each.text[:80])) for each in found]
    columns = ("queue", "reason", "times", "messages", "begins with")
    out.print(table(columns, rows) if found else "No dead letters.")


@app.command()
def replay(settings: SettingsFile = SETTINGS_TOML) -> None:
    """Publish all of them again where they came from, batches as single messages."""
    out.print(f"{dead_letters.replay(_broker(settings))} published again", highlight=False)


@app.command()
def discard(settings: SettingsFile = SETTINGS_TOML, yes: Yes = False) -> None:
    """Drop all of them for good."""
    if not agreed("Drop all dead letters for good?", yes=yes):
        raise typer.Abort
    out.print(f"{dead_letters.discard(_broker(settings))} dropped", highlight=False)


def _broker(settings: SettingsFile) -> BrokerSettings:
    broker = settings_of(settings).broker
    if not durable(broker.url):
        raise SettingsError("broker.url: memory:// has no dead letters; a fleet's broker, amqp://, has")
    return broker
