"""`connector status` and `connector resume`."""

from dataclasses import asdict
from math import isinf
from typing import Annotated, Any

from pydantic_core import to_json
from rich.table import Table
from typer import Argument

from connector.runtime import AtHand
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, opened, out, settings_of
from connector.errors import SettingsError
from connector.intake import EVERY_SYNC
from connector.store import connections, counts, overview, problems
from connector.store.connection_health import Health


def status(settings: SettingsFile = SETTINGS_TOML, json: AsJson = False) -> None:
    """Show what is held, due, paused and problematic."""
    at_hand = opened(settings)
    found = _status(at_hand)
    at_hand.close()
    if json:
        out.out(to_json(found).decode(), highlight=False)
    else:
        _show(found)


def resume(
    connection: Annotated[str, Argument(help="The connection, as the settings name it.")],
    settings: SettingsFile = SETTINGS_TOML,
) -> None:
    """End the pause of a connection, for instance after Customer.io refused its credentials."""
    loaded = settings_of(settings)
    if connection not in loaded.connections:
        raise SettingsError(f"there is no connection {connection!r}: the settings name {', '.join(loaded.connections)}")
    at_hand = AtHand.open(loaded)
    at_hand.store.check_version()
    with at_hand.store.writing() as transaction:
        ended = connections.resume(transaction, connection)
    at_hand.close()
    out.print(f"{connection}: {'resumed' if ended else 'was not paused'}", highlight=False)


def _status(at_hand: AtHand) -> dict[str, Any]:
    with at_hand.store.reading() as connection:
        now = at_hand.store.now(connection)
        return {
            "store": at_hand.store.place,
            "syncs": {
                rules.name: asdict(overview.of(connection, rules.name, rules.mirrors)) for rules in at_hand.syncs
            },
            "messages": counts.tallies(connection, EVERY_SYNC),
            "connections": {
                name: _health(connections.health(connection, name), at_hand.track(name).credentials, now)
                for name in at_hand.settings.connections
            },
            "problems": problems.by_kind(connection),
        }


def _health(health: Health, credentials: str, now: float) -> dict[str, Any]:
    if not health.paused(now, credentials) or health.paused_until is None:
        return {"paused": False}
    for_human = isinf(health.paused_until)
    seconds = None if for_human else round(health.paused_until - now, 1)
    return {"paused": True, "reason": health.reason, "seconds_left": seconds, "needs_resume": for_human}


def _show(found: dict[str, Any]) -> None:
    table = Table(title=found["store"], title_justify="left", show_header=True)
    table.add_column("sync")
    table.add_column("what")
    table.add_column("count", justify="right")
    for sync, numbers in found["syncs"].items():
        tallies, mirrors = numbers.pop("tallies"), numbers.pop("manual_segments")
        mirrored = [(f"in the manual segment of {mirror}", count) for mirror, count in mirrors.items()]
        for name, count in (*numbers.items(), *mirrored, *tallies.items()):
            table.add_row(sync, name.replace("_", " "), f"{count:,}")
        table.add_section()
    for name, count in (*found["messages"].items(), *((f"problems: {k}", n) for k, n in found["problems"].items())):
        table.add_row("", name, f"{count:,}")
    out.print(table)
    for name, health in found["connections"].items():
        out.print(f"{name}: {_wording(name, health)}", highlight=False, soft_wrap=True)


def _wording(name: str, health: dict[str, Any]) -> str:
    if not health["paused"]:
        return "open"
    if health["needs_resume"]:
        return f"paused until new credentials are set or `connector resume {name}`: {health['reason']}"
    return f"paused for {health['seconds_left']} s: {health['reason']}"
