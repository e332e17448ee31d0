"""`connector send`: a file of messages into the store."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic_core import to_json
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from connector import files, inbox
from connector.at_hand import AtHand
from connector.cli.options import SETTINGS_TOML, AsJson, File, Format, SettingsFile, err, out, settings_of
from connector.errors import SettingsError
from connector.files import MessageFile
from connector.formats import NAMES

_BATCH_DOCUMENTS = 1000
_BATCH_BYTES = 2_000_000


def send(file: File, settings: SettingsFile = SETTINGS_TOML, format: Format = "hull", json: AsJson = False) -> None:
    """Take in a file of messages. What is in the store is delivered by whoever runs on it."""
    if format not in NAMES:
        raise SettingsError(f"--format: {format!r} is not accepted; give one of {', '.join(NAMES)}")
    at_hand = AtHand.open(settings_of(settings))
    if at_hand.store.on_sqlite:
        at_hand.store.migrate()
    else:
        at_hand.store.check_version()
    started = monotonic()
    with files.opened(file) as opened:
        changes, unreadable = _send(at_hand, opened, format, file, silent=json)
    seconds = monotonic() - started
    at_hand.close()
    if json:
        out.out(to_json({"changes": changes, "unreadable": unreadable, "seconds": round(seconds, 3)}).decode())
        return
    rate = f"{changes / seconds:,.0f} a second" if seconds else ""
    out.print(f"{changes:,} messages taken in ({rate}), {unreadable:,} could not be read", highlight=False)
    if unreadable:
        err.print("Those are kept as problems with their reasons: `connector problems` lists them.")


def _send(at_hand: AtHand, opened: MessageFile, format: str, file: Path, *, silent: bool) -> tuple[int, int]:
    changes = unreadable = 0
    limit = at_hand.settings.intake.max_message_bytes
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=silent) as progress:
        task = progress.add_task(file.name, total=opened.size)
        for documents in _batches(opened.documents(limit)):
            accepted = inbox.take(at_hand.store, at_hand.syncs, format, documents, limit)
            changes += accepted.changes
            unreadable += accepted.unreadable
            progress.update(task, completed=opened.position)
    return changes, unreadable


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
