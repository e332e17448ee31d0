"""What the commands that read files share: the form of what is in them, and of a table what its rows are."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

from connector.bulk.tabular import table, unheard_segments
from connector.cli.options import agreed
from connector.errors import SettingsError
from connector.formats import NAMES
from connector.runtime import Runtime

FORMATS = (*NAMES, *table.KINDS)

TableFile = Annotated[
    Path, Argument(help="JSON or NDJSON, plain or .gz; a table of users, .csv or .parquet; - for standard input.")
]
FileFormat = Annotated[
    str,
    Option(
        "--format",
        "-f",
        help=f"The form of the messages, or of the table: {', '.join(FORMATS)}. Left out, the file's name tells a "
        "table, and [intake] format is the form of messages.",
    ),
]
TableKey = Annotated[str | None, Option("--key", help="A table: the column that is the user's id.")]
TableSegments = Annotated[
    list[str] | None, Option("--segment", help="A table: the segment its users are in; repeatable.")
]

AllowMissing = Annotated[
    bool, Option("--allow-missing", help="A table: it may lack columns; what they would say is cleared.")
]


def check_format(format: str) -> None:
    """Raises SettingsError where `--format` is given, and is neither a form nor a kind of table."""
    if format and format not in FORMATS:
        raise SettingsError(f"--format: {format!r} is not accepted; give one of {', '.join(FORMATS)}")


def check_segments(runtime: Runtime, segments: Iterable[str], *, yes: bool) -> None:
    """Asks before a table puts its users into a segment that nobody has heard of; ends the program where one says no.

    Raises SettingsError where there is nobody to ask.
    """
    question = unheard_segments.question(runtime.store, runtime.syncs, segments)
    if question is not None and not agreed(question, yes=yes):
        raise typer.Exit(1)
