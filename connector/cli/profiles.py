"""`connector profiles`: what Customer.io's webhooks have come to, for one person or for all."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from pydantic_core import to_json
from typer import Argument, Option, Typer

from connector.activity import fields, profiles
from connector.bulk import profile_export
from connector.bulk.whole_file import written_whole
from connector.cli.opening import opened
from connector.cli.options import SETTINGS_TOML, SettingsFile, err, out
from connector.errors import ConnectorError
from connector.runtime import Runtime
from connector.settings.connection import check_connection

app = Typer(help="Show and export what Customer.io's webhooks have come to for each person.", no_args_is_help=True)
FromConnection = Annotated[str, Option("--connection", help="Only of this connection; left out, of all.")]
ExportTarget = Annotated[
    Path, Argument(help="Where to: FILE.parquet, or NDJSON in any other file; - for standard output.")
]


@app.command()
def show(
    user: Annotated[str, Argument(help="An id or an e-mail address in Customer.io, or cio_id:ID.")],
    settings: SettingsFile = SETTINGS_TOML,
    connection: FromConnection = "",
) -> None:
    """Show the profile of a person: a line of JSON for each workspace. Exit code 1 where nothing was reported."""
    with closing(opened(settings)) as runtime:
        shown = fields.of(runtime.settings.profiles)
        found = profiles.find(runtime.store, user, _connections(runtime, connection), shown)
    if not found:
        raise ConnectorError(f"nothing was reported of {user!r}: give an id or an e-mail address in Customer.io")
    for each in found:
        typer.echo(to_json(each.as_json()).decode())


@app.command()
def export(target: ExportTarget, settings: SettingsFile = SETTINGS_TOML, connection: FromConnection = "") -> None:
    """Write all profiles into a file, as NDJSON or as Parquet. The file is there whole, or as it was before."""
    with closing(opened(settings)) as runtime:
        try:
            count = _exported(runtime, target, _connections(runtime, connection))
        except OSError as error:
            raise ConnectorError(f"{target}: cannot be written ({error.strerror})") from error
    err.print(f"{count:,} profiles", highlight=False)


def _exported(runtime: Runtime, target: Path, connections: list[str]) -> int:
    chosen = fields.of(runtime.settings.profiles)
    found = profile_export.pages(runtime.store, connections, chosen)
    if str(target) == "-":
        out.file.flush()
        return profile_export.write_lines(sys.stdout.buffer, found)
    with written_whole(target) as file:
        if target.suffix == ".parquet":
            return profile_export.write_parquet(file, found, chosen)
        return profile_export.write_lines(file, found)


def _connections(runtime: Runtime, chosen: str) -> list[str]:
    if not chosen:
        return list(runtime.settings.connections)
    check_connection(chosen, runtime.settings.connections)
    return [chosen]
