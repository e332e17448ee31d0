"""`connector alerts`: what needs somebody now or did lately, who has taken it on, and whether channels work."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer
from pydantic_core import to_json
from typer import Argument, Option, Typer

from connector.alerts.channels import tried
from connector.cli.opening import opened
from connector.cli.operator_acts import operator
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, out
from connector.cli.tables import table
from connector.errors import SettingsError
from connector.model.alert import AlertState, ChannelState
from connector.settings.schema import Settings
from connector.store import alerts
from connector.store.engine import Store

app = Typer(help="List alerts, take them on, and try the channels.", no_args_is_help=False)
AlertKeys = Annotated[list[str] | None, Argument(help="Alerts, as the list calls them; left out, all that are open.")]
ChannelName = Annotated[str, Argument(help="The channel, as the settings name it; left out, all of them.")]


@app.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    settings: SettingsFile = SETTINGS_TOML,
    all_: Annotated[bool, Option("--all", help="Also those that are over, the latest first.")] = False,
    limit: Annotated[int, Option(min=1, help="How many at the most.")] = 50,
    json: AsJson = False,
) -> None:
    """List the alerts that are open, and how the channels fare."""
    if context.invoked_subcommand is not None:
        return
    with closing(opened(settings)) as runtime:
        found, ways = _read(runtime.settings, runtime.store)
    shown = [each for each in found if all_ or each.is_open][:limit]
    if json:
        for each in shown:
            out.out(to_json({**asdict(each), "open": each.is_open}).decode(), highlight=False)
        return
    columns = ("alert", "since", "how", "what happened")
    out.print(table(columns, map(_cells, shown), whole=columns[:3]) if shown else "No alert is open.")
    for line in _lines(ways):
        out.print(line, highlight=False, soft_wrap=True)


def _read(settings: Settings, store: Store) -> tuple[list[AlertState], list[ChannelState]]:
    with store.reading() as tx:
        return [*alerts.known(tx).values()], alerts.channels(tx, [*settings.alerts.channels])


def _cells(each: AlertState) -> tuple[str, str, str, str]:
    how = "over" if not each.is_open else "taken on" if each.acknowledged_at is not None else each.severity
    return each.key, day_and_time(each.opened_at), how, each.sentence


def _lines(ways: list[ChannelState]) -> Iterator[str]:
    for each in ways:
        waiting = f"{each.waiting:,} notices wait" if each.waiting else "nothing waits"
        if each.failures and each.failing_since is not None:
            since = day_and_time(each.failing_since)
            yield f"channel {each.name}: fails since {since} UTC, {waiting}: {each.reason}"
        else:
            last = "" if each.told_at is None else f", last told {day_and_time(each.told_at)} UTC"
            yield f"channel {each.name}: {waiting}{last}"


@app.command()
def acknowledge(keys: AlertKeys = None, settings: SettingsFile = SETTINGS_TOML) -> None:
    """Take alerts on: they are not told again while they are open. Exit code 1 where none of these is open."""
    with closing(opened(settings)) as runtime, runtime.store.writing() as tx:
        wanted = keys or [key for key, each in alerts.known(tx).items() if each.is_open]
        taken = alerts.acknowledge(tx, wanted, runtime.store.now(tx), operator())
    for key in taken:
        out.print(f"{key}: taken on", highlight=False)
    if not taken:
        out.print("No such alert is open, or it is taken on already.")
        raise typer.Exit(1)


@app.command("test")
def try_channels(channel: ChannelName = "", settings: SettingsFile = SETTINGS_TOML) -> None:
    """Send a test message by a channel. Exit code 1 where one does not take it."""
    with closing(opened(settings)) as runtime:
        known = runtime.settings.alerts.channels
        chosen = [known[name] for name in _chosen(channel, known)]
        with runtime.store.reading() as tx:
            now = runtime.store.now(tx)
    failed = False
    for each in chosen:
        reason = tried(each, now)
        failed = failed or bool(reason)
        out.print(f"{each.name}: {reason or 'took it'}", highlight=False)
    if failed:
        raise typer.Exit(1)


def _chosen(channel: str, known: dict[str, Any]) -> list[str]:
    if not known:
        raise SettingsError("there is no channel: add a table [alerts.channels.NAME]")
    if channel and channel not in known:
        raise SettingsError(f"there is no channel {channel!r}: the settings name {', '.join(known)}")
    return [channel] if channel else [*known]
