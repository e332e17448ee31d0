"""`connector operator-log`: who did what by hand."""

from contextlib import closing
from dataclasses import asdict
from typing import Annotated

from pydantic_core import to_json
from typer import Option

from connector.cli.opening import opened
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, day_and_time, out
from connector.cli.tables import table
from connector.store.operator_log import find

OfAct = Annotated[str, Option(help="Only acts that begin so, as approve, or `problems replay`.")]
LatelySeconds = Annotated[float, Option(min=0.0, help="Only those of the last so many seconds; 0 is for all.")]
MostActs = Annotated[int, Option(min=1, help="How many at the most, the latest first.")]


def operator_log(
    settings: SettingsFile = SETTINGS_TOML,
    act: OfAct = "",
    since: LatelySeconds = 0.0,
    limit: MostActs = 50,
    json: AsJson = False,
) -> None:
    """List what was done by hand, the latest first: when, who, what, to what, and what came of it."""
    with closing(opened(settings)) as runtime, runtime.store.reading() as tx:
        found = find(tx, runtime.store.now(tx) - since if since else 0.0, act, limit)
    if json:
        for each in found:
            out.out(to_json(asdict(each)).decode(), highlight=False)
        return
    rows = ((day_and_time(each.at), each.operator, each.act, each.subject, each.outcome) for each in found)
    columns = ("at", "who", "what", "to what", "came to")
    out.print(table(columns, rows, whole=columns[:1]) if found else "Nothing was done by hand.")
