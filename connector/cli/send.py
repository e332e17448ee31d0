"""`connector send`: a file of messages, or a table of users, into the store."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Annotated, Any

from pydantic_core import to_json
from typer import Argument, Option

from connector import files, inbox
from connector.runtime import AtHand
from connector.cli.progress import bar
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, err, out, settings_of
from connector.errors import SettingsError
from connector.formats import NAMES
from connector.bulk.tabular import message, table
from connector.bulk.tabular.load import Load, Loaded
from connector.bulk.tabular.user_rows import Shape

_BATCH_DOCUMENTS = 1000
_BATCH_BYTES = 2_000_000
_FORMATS = (*NAMES, *table.KINDS)

File = Annotated[
    Path, Argument(help="JSON or NDJSON, plain or .gz; a table of users, .csv or .parquet; - for standard input.")
]
Format = Annotated[
    str, Option("--format", "-f", help=f"The form of the messages, or of the table: {', '.join(_FORMATS)}.")
]
Backfill = Annotated[bool, Option("--backfill", help="A bulk load: delivered behind everything that is live.")]
Key = Annotated[str | None, Option("--key", help="A table: the column that is the user's id.")]
Segments = Annotated[list[str] | None, Option("--segment", help="A table: the segment its users are in; repeatable.")]
Full = Annotated[bool, Option("--full", help="A table: nobody else is in the segment; who is not in it has left.")]


def send(
    file: File,
    settings: SettingsFile = SETTINGS_TOML,
    format: Format = "hull",
    backfill: Backfill = False,
    key: Key = None,
    segment: Segments = None,
    full: Full = False,
    json: AsJson = False,
) -> None:
    """Take in a file of messages, or of users. What is in the store is delivered by whoever runs on it."""
    if format not in _FORMATS:
        raise SettingsError(f"--format: {format!r} is not accepted; give one of {', '.join(_FORMATS)}")
    shape = Shape(key, tuple(segment or ()), full)
    kind = table.kind_of(file, format)
    if kind is None and shape != Shape():
        raise SettingsError(f"--key, --segment and --full are for tables of users: {file} is not CSV or Parquet")
    at_hand = _opened(settings)
    shape = replace(shape, columns=at_hand.settings.rows.columns)
    started = monotonic()
    if kind is None:
        sent = _send(at_hand, file, format, backfill=backfill, silent=json)
    else:
        sent = _send_table(at_hand, file, kind, shape, backfill=backfill, silent=json)
    seconds = monotonic() - started
    at_hand.close()
    if json:
        _show_json(sent, seconds, full=full)
    else:
        _show(sent, seconds, shape)


def _opened(settings: Path) -> AtHand:
    at_hand = AtHand.open(settings_of(settings))
    if at_hand.store.on_sqlite:
        at_hand.store.migrate()
    else:
        at_hand.store.check_version()
    return at_hand


def _show_json(sent: Loaded, seconds: float, *, full: bool) -> None:
    counted = {"changes": sent.changes, "unreadable": sent.unreadable, **({"left": sent.left} if full else {})}
    out.out(to_json({**counted, "seconds": round(seconds, 3)}).decode())


def _show(sent: Loaded, seconds: float, shape: Shape) -> None:
    rate = f"{sent.changes / seconds:,.0f} a second" if seconds else ""
    out.print(f"{sent.changes:,} messages taken in ({rate}), {sent.unreadable:,} could not be read", highlight=False)
    if shape.full:
        out.print(f"{sent.left:,} left {shape.entered[0]}: they are not in the file", highlight=False, markup=False)
    if sent.unreadable:
        err.print("Those are kept as problems with their reasons: `connector problems` lists them.")


def _send(at_hand: AtHand, file: Path, format: str, *, backfill: bool, silent: bool) -> Loaded:
    changes = unreadable = 0
    limit = at_hand.settings.intake.max_message_bytes
    with files.opened(file) as opened, bar(file.name, opened.size, silent=silent) as moved:
        for documents in _batches(opened.documents(limit)):
            accepted = inbox.take(at_hand.store, at_hand.syncs, format, documents, limit, backfill=backfill)
            changes += accepted.changes
            unreadable += accepted.unreadable
            moved(opened.position)
    return Loaded(changes, unreadable)


def _send_table(at_hand: AtHand, file: Path, kind: str, shape: Shape, *, backfill: bool, silent: bool) -> Loaded:
    load = Load(at_hand.store, at_hand.syncs, shape, at_hand.settings.intake.max_message_bytes, backfill)
    with table.opened(file, kind) as opened:
        message.check(shape, opened.columns, str(file))
        with bar(file.name, opened.size, silent=silent) as moved:
            return load.run(opened, lambda: moved(opened.position))


def _batches(documents: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    size = 0
    for document in documents:
        batch.append(document)
        size += len(document) if isinstance(document, bytes) else 0
        if len(batch) >= _BATCH_DOCUMENTS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
