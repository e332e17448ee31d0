"""`connector status` and `connector resume`: on the store alone, so that they start fast."""

import time
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any

from pydantic_core import to_json
from rich.table import Table
from typer import Argument, Exit, Option

from connector.admin import pauses
from connector.admin.status import Depths, gathered
from connector.cli.loading import loaded
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, out
from connector.settings.schema import Settings, load
from connector.store.engine import Store

_WATCH_SECONDS = 2.0
_BEHIND_SECONDS = 300.0


def status(
    settings: SettingsFile = SETTINGS_TOML,
    json: AsJson = False,
    watch: Annotated[bool, Option("--watch", "-w", help="Show it again every two seconds, until Ctrl-C.")] = False,
    behind: Annotated[
        float, Option("--behind", min=0.0, help="How many seconds somebody may wait before that is a failure.")
    ] = _BEHIND_SECONDS,
) -> None:
    """Say in a sentence how things stand, and show who works, what is held, due, paused and problematic.

    Exit code 1 where somebody is needed: workers or beat are gone, a connection or a queue waits for a human, deletions
    are held, there are dead letters, a promise of freshness is broken, or the oldest change waits for longer than
    --behind.
    """
    loaded = load(settings)
    store = _opened(loaded)
    try:
        while True:
            found = gathered(loaded, store, _depths(loaded), behind)
            _show(found, json=json, again=watch)
            if not watch:
                break
            time.sleep(_WATCH_SECONDS)
    finally:
        store.close()
    if found["needs_somebody"]:
        raise Exit(1)


def resume(
    connection: Annotated[str, Argument(help="The connection, as the settings name it.")],
    settings: SettingsFile = SETTINGS_TOML,
) -> None:
    """End the pause of a connection, for instance after Customer.io refused its credentials."""
    found = loaded(settings)
    store = _opened(found)
    ended = pauses.end(store, found, connection)
    store.close()
    out.print(f"{connection}: {'resumed' if ended else 'was not paused'}", highlight=False)


def _opened(settings: Settings) -> Store:
    store = Store(settings.store.url, settings.store)
    store.check_version()
    return store


def _depths(settings: Settings) -> Depths | None:
    """How to ask RabbitMQ for the depth of queues. Its library is imported only where there is a RabbitMQ."""
    if not settings.broker.durable:
        return None

    def ask() -> Mapping[str, int]:
        found: Mapping[str, int] = import_module("connector.broker.depth").of_messages(settings.broker, settings.intake)
        return found

    return ask


def _show(found: dict[str, Any], *, json: bool, again: bool) -> None:
    if json:
        out.out(to_json(found).decode(), highlight=False)
        return
    if again:
        out.clear()
    out.print(found["sentence"], highlight=False, soft_wrap=True)
    out.print(_table(found))
    for promise in found["freshness"]:
        out.print(promise["sentence"], highlight=False, soft_wrap=True)
    for alert in found["alerts"]:
        out.print(f"alert, {alert['severity']}: {alert['sentence']}", highlight=False, soft_wrap=True)
    for channel in found["channels"]:
        if channel["fails"]:
            reason = f"alerts are not told by {channel['channel']}: {channel['reason']}"
            out.print(reason, highlight=False, soft_wrap=True)
    _show_parts(found)


def _show_parts(found: Mapping[str, Any]) -> None:
    """Connections, queues, exports and processes, a line each."""
    for name, health in found["connections"].items():
        out.print(f"{name}: {_wording(name, health)}", highlight=False, soft_wrap=True)
    for name, queue in found["queues"].items():
        out.print(f"queue {name}: {_read_by(queue)}", highlight=False, soft_wrap=True)
    for name, export in found["exports"].items():
        out.print(f"export {name}: {_runs(export)}", highlight=False, soft_wrap=True, markup=False)
    for each in found["processes"]:
        out.print(f"{each['name']}: {_seen(each)}", highlight=False, soft_wrap=True)


def _table(found: Mapping[str, Any]) -> Table:
    table = Table(title=found["store"], title_justify="left", show_header=True)
    table.add_column("sync")
    table.add_column("what")
    table.add_column("count", justify="right")
    for sync, numbers in found["syncs"].items():
        kept = {name: count for name, count in numbers.items() if isinstance(count, int)}
        mirrors = {f"in the manual segment of {each}": count for each, count in numbers["manual_segments"].items()}
        for name, count in {**kept, **mirrors, **numbers["tallies"]}.items():
            table.add_row(sync, name.replace("_", " "), f"{count:,}")
        table.add_section()
    for name, count in (*found["messages"].items(), *((f"problems: {k}", n) for k, n in found["problems"].items())):
        table.add_row("", name, f"{count:,}")
    return table


def _runs(export: Mapping[str, Any]) -> str:
    started, next_at = export["started_at"], export["next_at"]
    last = "never run" if started is None else f"last run {day_and_time(started)} UTC"
    fails = f"; {export['failures']} runs in a row failed: {export['reason']}" if export["failures"] else ""
    return f"{last}, {_coming(next_at)}{fails}"


def _coming(next_at: float | None) -> str:
    """When the next run comes. One whose time is over waits for somebody to run it, which is no run to come."""
    if next_at is None:
        return "next by hand"
    if next_at == 0:
        return "next now"
    return f"{'next' if next_at > time.time() else 'due since'} {day_and_time(next_at)} UTC"


def _seen(process: Mapping[str, Any]) -> str:
    return (
        f"lives, seen {process['seen_seconds']} s ago"
        if process["lives"]
        else f"gone, last seen {day_and_time(process['seen_at'])} UTC"
    )


def _read_by(queue: Mapping[str, Any]) -> str:
    waiting = "" if queue["messages"] is None else f"{queue['messages']:,} messages wait, "
    if queue["held"]:
        return f"{waiting}held for {queue['held_seconds']} s, nothing is lost: {queue['held']}"
    if queue["otherwise"] and not queue["reader"]:
        return str(queue["otherwise"])
    read = f"{waiting}read by {queue['reader']}" if queue["reader"] else f"{waiting}read by nobody"
    return f"{read}; {queue['otherwise']}" if queue["otherwise"] else read


def _wording(name: str, health: Mapping[str, Any]) -> str:
    success = (
        "" if health["last_success_at"] is None else f"; last success {day_and_time(health['last_success_at'])} UTC"
    )
    if not health["paused"]:
        return f"open{success}"
    if health["needs_resume"]:
        until = f"paused until its credentials are taken (tried once a minute), or `connector resume {name}`"
        return f"{until}: {health['reason']}{success}"
    return f"paused for {health['seconds_left']} s: {health['reason']}{success}"
