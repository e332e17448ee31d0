"""`connector backfill`: the users that exist already, from files, URLs or a source, as a job."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from connector.bulk import download
from connector.bulk.backfill import EVERYBODY, start
from connector.bulk.backfill_input import BackfillInput
from connector.cli import job_progress
from connector.cli.opening import opened
from connector.cli.operator_acts import operator
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, Yes
from connector.cli.table_options import AllowMissing, FileFormat, TableKey, TableSegments, check_segments
from connector.errors import ConnectorError
from connector.runtime import Runtime

ALL = "all"
SyncArgument = Annotated[str, Argument(help=f"The sync, as the settings name it; {ALL} for every sync.")]
Files = Annotated[
    list[str] | None,
    Argument(help="JSON or NDJSON, tables of users in .csv or .parquet, plain or .gz; paths, or URLs (http, https)."),
]
ListFile = Annotated[Path | None, Option("--list", help="A file that names more files or URLs, one a line.")]
FromSource = Annotated[str, Option("--source", help="Read this source of the settings instead of files, whole.")]
BackfillPace = Annotated[float, Option("--per-second", min=1, help="How many rows a second at the most.")]
BackfillDetach = Annotated[bool, Option("--detach", help="Start it and come back at once.")]


def backfill(
    sync: SyncArgument,
    file: Files = None,
    settings: SettingsFile = SETTINGS_TOML,
    listed: ListFile = None,
    format: FileFormat = "",
    key: TableKey = None,
    segment: TableSegments = None,
    allow_missing: AllowMissing = False,
    yes: Yes = False,
    source: FromSource = "",
    per_second: BackfillPace = 500.0,
    detach: BackfillDetach = False,
    json: AsJson = False,
) -> None:
    """Take in the users that exist already, behind what is live. Ctrl-C only stops the watching."""
    runtime = opened(settings)
    files = tuple(_whole(each) for each in [*(file or ()), *_named_in(listed)])
    check_segments(runtime, segment or (), yes=yes)
    origin = BackfillInput(files, source, format, key, tuple(segment or ()), allow_missing)
    job = start(runtime, _meant(runtime, sync), origin, per_second, operator())
    if detach:
        job_progress.leave(job, json=json)
    else:
        job_progress.follow(runtime, job, json=json)
    runtime.close()


def _meant(runtime: Runtime, sync: str) -> str:
    return EVERYBODY if sync == ALL and ALL not in runtime.settings.syncs else sync


def _whole(file: str) -> str:
    """The whole path: the process that reads the file may run in another folder."""
    return file if download.is_url(file) else str(Path(file).resolve())


def _named_in(listed: Path | None) -> list[str]:
    if listed is None:
        return []
    try:
        lines = [line.strip() for line in listed.read_text("utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConnectorError(f"{listed}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from error
    return [line for line in lines if line and not line.startswith("#")]
