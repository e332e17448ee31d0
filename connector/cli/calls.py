"""`connector calls`: the requests to Customer.io, lately."""

from collections.abc import Collection, Iterable
from contextlib import closing
from dataclasses import replace
from typing import Annotated, Any, NoReturn

import typer
from pydantic_core import from_json, to_json
from typer import Argument, Option, Typer

from connector.admin.person.calls import CallAbout, part_as_json, part_in_words
from connector.admin.request_log import find, find_about
from connector.cli.following import MOST_AT_ONCE, Following, each_turn
from connector.cli.opening import opened
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, err, out
from connector.cli.tables import table
from connector.errors import SettingsError
from connector.model.visible import visible_lines
from connector.runtime import Runtime
from connector.store.request_log import CallFilter, Logged

app = Typer(help="List and show the requests to Customer.io.", no_args_is_help=False)


@app.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    settings: SettingsFile = SETTINGS_TOML,
    person: Annotated[str, Option(help="Only those about this user: key upstream, id, e-mail, anonymous id.")] = "",
    failed: Annotated[bool, Option("--failed", help="Only those that were not taken whole.")] = False,
    connection: Annotated[str, Option(help="Only those to this connection.")] = "",
    sync: Annotated[str, Option(help="Only those of this sync.")] = "",
    status: Annotated[int | None, Option(help="Only those answered so; 0 is for no answer.")] = None,
    since: Annotated[float, Option(min=0.0, help="Only those of the last so many seconds; 0 is for all.")] = 0.0,
    limit: Annotated[int, Option(help="How many at the most, the latest first.")] = 50,
    follow: Annotated[
        bool, Option("--follow", "-f", help="Show those that come, each on a line, until Ctrl-C; the latest last.")
    ] = False,
    json: AsJson = False,
) -> None:
    """List the requests to Customer.io, the latest first."""
    if context.invoked_subcommand is not None:
        return
    with closing(opened(settings)) as runtime:
        workspace = _existing("--connection", connection, runtime.settings.connections)
        of_sync = _existing("--sync", sync, runtime.settings.syncs)
        which = CallFilter(workspace, of_sync, failed, status)
        if follow:
            _follow(runtime, person, which, since, limit, json=json)
        found = find_about(runtime, person, which, since, limit)
    if json:
        _lines(found, person, json=True)
    else:
        out.print(table(("id", "at", "request", "answer"), map(_cells, found)) if found else "No calls.")


def _follow(runtime: Runtime, person: str, which: CallFilter, since: float, limit: int, *, json: bool) -> NoReturn:
    """Shows the latest calls, and whatever comes, until Ctrl-C."""
    with runtime.store.reading() as tx:
        start = runtime.store.now(tx) - since if since else 0.0

    def look(after: float, most: int) -> list[CallAbout]:
        return find_about(runtime, person, replace(which, since=after), 0.0, most)

    following = Following(look, lambda each: each.logged.id, lambda each: each.logged.call.at, start)
    _lines(following.first(limit), person, json=json)
    for found in each_turn(following):
        if following.left_out:
            err.print(f"More than {MOST_AT_ONCE} came at once: the latest of them follow.", highlight=False)
        _lines(found, person, json=json)
    raise AssertionError  # there is no end to what may come


def _lines(found: Iterable[CallAbout], person: str, *, json: bool) -> None:
    for each in found:
        line = to_json(_as_json(each, person)).decode() if json else visible_lines("  ".join(_cells(each)))
        out.out(line, highlight=False)


@app.command()
def show(
    id: Annotated[str, Argument(help="The call's id, or how it begins.")], settings: SettingsFile = SETTINGS_TOML
) -> None:
    """Show a call with its request and reply, where they are kept ([retention] call_bodies)."""
    runtime = opened(settings)
    logged = find(runtime.store, id)
    runtime.close()
    bodies = {"request": _value(logged.call.body), "reply": _value(logged.call.reply)}
    out.print_json(to_json(_summary(logged) | bodies).decode())


def _cells(about: CallAbout) -> tuple[str, ...]:
    call = about.logged.call
    place = call.connection if call.connection == call.sync else f"{call.sync} to {call.connection}"
    said = f"{call.status or 'none'}, {call.milliseconds:,} ms, {call.verdict}"
    request = f"{place}: {call.items:,} items, {call.body_bytes:,} bytes"
    theirs = [f"; theirs: {part_in_words(part_as_json(part))}" for part in about.parts]
    answer = f"{said}: {call.reason}" if call.reason else said
    return about.logged.id, day_and_time(call.at), request, "".join((answer, *theirs))


def _as_json(about: CallAbout, person: str) -> dict[str, Any]:
    if not person:
        return _summary(about.logged)
    theirs = [part_as_json(part) for part in about.parts]
    return _summary(about.logged) | {"theirs": theirs, "reply": _value(about.logged.call.reply)}


def _existing(option: str, name: str, known: Collection[str]) -> str:
    if name and name not in known:
        raise SettingsError(f"{option}: there is no {name!r}; the settings name {', '.join(known)}")
    return name


def _summary(logged: Logged) -> dict[str, Any]:
    call = logged.call
    return {
        "id": logged.id,
        "at": call.at,
        "connection": call.connection,
        "sync": call.sync,
        "endpoint": call.endpoint,
        "items": call.items,
        "bytes": call.body_bytes,
        "status": call.status,
        "milliseconds": call.milliseconds,
        "verdict": call.verdict,
        "reason": call.reason,
    }


def _value(text: str | bytes | None) -> Any:
    """What a body says; the text itself where it is not JSON, or was cut."""
    if text is None:
        return None
    try:
        return from_json(text)
    except ValueError:
        return text if isinstance(text, str) else text.decode(errors="replace")
