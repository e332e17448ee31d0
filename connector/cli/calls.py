"""`connector calls`: the requests to Customer.io, lately."""

from typing import Annotated, Any

import typer
from pydantic_core import from_json, to_json
from rich.table import Table
from rich.text import Text
from typer import Argument, Option, Typer

from connector.admin.request_log import find
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, opened, out
from connector.store import calls
from connector.store.calls import Logged

app = Typer(help="List and show the requests to Customer.io.", no_args_is_help=False)


@app.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    settings: SettingsFile = SETTINGS_TOML,
    failed: Annotated[bool, Option("--failed", help="Only those that were not taken whole.")] = False,
    connection: Annotated[str, Option(help="Only those to this connection.")] = "",
    limit: Annotated[int, Option(help="How many at the most, the latest first.")] = 50,
    json: AsJson = False,
) -> None:
    """List the requests to Customer.io, the latest first."""
    if context.invoked_subcommand is not None:
        return
    at_hand = opened(settings)
    with at_hand.store.reading() as transaction:
        found = calls.find(transaction, workspace=connection, failed=failed, limit=limit)
    at_hand.close()
    if json:
        for each in found:
            out.out(to_json(_summary(each)).decode(), highlight=False)
    else:
        out.print(_table(found) if found else "No calls.")


@app.command()
def show(
    id: Annotated[str, Argument(help="The call's id, or how it begins.")], settings: SettingsFile = SETTINGS_TOML
) -> None:
    """Show a call with its request and reply, where they are kept ([retention] call_bodies)."""
    at_hand = opened(settings)
    logged = find(at_hand.store, id)
    at_hand.close()
    bodies = {"request": _value(logged.call.body), "reply": _value(logged.call.reply)}
    out.print_json(to_json(_summary(logged) | bodies).decode())


def _table(found: list[Logged]) -> Table:
    table = Table("id", "at", "connection", "sync", "items", "bytes", "status", "ms", "verdict")
    for each in found:
        call = each.call
        at = day_and_time(call.at)
        numbers = [f"{number:,}" for number in (call.items, call.body_bytes, call.status, call.milliseconds)]
        verdict = f"{call.verdict}: {call.reason}" if call.reason else call.verdict
        table.add_row(*map(Text, (each.id, at, call.connection, call.sync, *numbers, verdict)))
    return table


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
