"""`connector backfill`: the users that exist already, from files, URLs or a source, as a job."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from connector.bulk import backfill as backfills
from connector.bulk import download as fetch
from connector.runtime import AtHand
from connector.cli import job_progress as following
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, opened
from connector.errors import ConnectorError
from connector.formats import NAMES
from connector.bulk.backfill_input import Origin
from connector.bulk.tabular import table

ALL = "all"
_FORMATS = ", ".join((*NAMES, *table.KINDS))
Sync = Annotated[str, Argument(help=f"The sync, as the settings name it; {ALL} for every sync.")]
Files = Annotated[
    list[str] | None,
    Argument(help="JSON or NDJSON, tables of users in .csv or .parquet, plain or .gz; paths, or URLs (http, https)."),
]
Listed = Annotated[Path | None, Option("--list", help="A file that names more files or URLs, one a line.")]
Format = Annotated[
    str,
    Option("--format", "-f", help=f"The form of the messages, or of the table: {_FORMATS}."),
]
Key = Annotated[str | None, Option("--key", help="A table: the column that is the user's id.")]
Segments = Annotated[list[str] | None, Option("--segment", help="A table: the segment its users are in; repeatable.")]
FromSource = Annotated[str, Option("--source", help="Read this source of the settings instead of files, whole.")]
PerSecond = Annotated[float, Option("--per-second", min=1, help="How many rows a second at the most.")]
Detach = Annotated[bool, Option("--detach", help="Start it and come back at once.")]


def backfill(
    sync: Sync,
    file: Files = None,
    settings: SettingsFile = SETTINGS_TOML,
    listed: Listed = None,
    format: Format = "hull",
    key: Key = None,
    segment: Segments = None,
    source: FromSource = "",
    per_second: PerSecond = 500.0,
    detach: Detach = False,
    json: AsJson = False,
) -> None:
    """Take in the users that exist already, behind what is live. Ctrl-C only stops the watching."""
    at_hand = opened(settings)
    files = tuple(_whole(each) for each in [*(file or ()), *_named_in(listed)])
    origin = Origin(files, source, format, key, tuple(segment or ()))
    job = backfills.start(at_hand, _meant(at_hand, sync), origin, per_second)
    if detach:
        following.show(job, json=json)
    else:
        following.follow(at_hand, job, json=json)
    at_hand.close()


def _meant(at_hand: AtHand, sync: str) -> str:
    return backfills.EVERYBODY if sync == ALL and ALL not in at_hand.settings.syncs else sync


def _whole(file: str) -> str:
    """The whole path: whoever goes on may stand in another folder."""
    return file if fetch.is_url(file) else str(Path(file).resolve())


def _named_in(listed: Path | None) -> list[str]:
    if listed is None:
        return []
    try:
        lines = [line.strip() for line in listed.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConnectorError(f"{listed}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from error
    return [line for line in lines if line and not line.startswith("#")]
