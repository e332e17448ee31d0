"""`connector send`: a file of messages, or a table of users, into the store."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from pydantic_core import to_json
from typer import Option

from connector.bulk import hull_people
from connector.bulk.tabular import reader, table, user_from_row
from connector.bulk.tabular.load import Load, Loaded
from connector.bulk.tabular.row_messages import ROWS_AT_ONCE
from connector.bulk.tabular.user_from_row import UserShape
from connector.bulk.tabular.wanted_columns import WantedColumns
from connector.cli.opening import settings_of
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, Yes, err, out
from connector.cli.progress import bar
from connector.cli.table_options import (
    AllowMissing,
    FileFormat,
    TableFile,
    TableKey,
    TableSegments,
    check_format,
    check_segments,
)
from connector.errors import SettingsError
from connector.intake.accept import accept
from connector.model.change import Message
from connector.runtime import Runtime
from connector.store.migrate import migrate

BackfillOption = Annotated[bool, Option("--backfill", help="A bulk load: delivered behind everything that is live.")]
BroughtByHull = Annotated[
    bool,
    Option("--brought-by-hull", help="Customer.io has whom Hull's notes (customerio/created_at) say it had brought."),
]
Full = Annotated[bool, Option("--full", help="A table: nobody else is in the segment; who is not in it has left.")]


def send(
    file: TableFile,
    settings: SettingsFile = SETTINGS_TOML,
    format: FileFormat = "",
    backfill: BackfillOption = False,
    key: TableKey = None,
    segment: TableSegments = None,
    full: Full = False,
    brought_by_hull: BroughtByHull = False,
    allow_missing: AllowMissing = False,
    yes: Yes = False,
    json: AsJson = False,
) -> None:
    """Take in a file of messages, or of users. What is in the store is delivered by whoever runs on it."""
    check_format(format)
    shape = UserShape(key, tuple(segment or ()), full)
    kind = table.kind_of(file, format)
    if kind is None:
        user_from_row.refuse_shape(shape, str(file))
    runtime = _opened(settings)
    wanted = WantedColumns.of(runtime.syncs, may_lack=allow_missing)
    shape = replace(shape, columns=runtime.settings.rows.columns, wanted=wanted)
    started = monotonic()
    form = format or runtime.settings.intake.format
    if brought_by_hull and (kind is not None or form != "hull"):
        raise SettingsError("--brought-by-hull: these notes stand in messages of the form hull; give --format hull")
    if kind is None:
        noted = brought_by_hull and partial(hull_people.note, runtime.store, runtime.syncs)
        sent = _send(runtime, file, form, noted or _nothing, backfill=backfill, silent=json)
    else:
        sent = _send_table(runtime, file, kind, shape, backfill=backfill, silent=json, yes=yes)
    seconds = monotonic() - started
    runtime.close()
    if json:
        _show_json(sent, seconds, full=full)
    else:
        _show(sent, seconds, shape)
    if sent.unnamed:
        reason = f"{sent.unnamed:,} row(s) do not tell whose they are"
        err.print(f"Nobody has left {shape.entered[0]}: {reason}. Mend them, and send the file again.", markup=False)
    if sent.unnamed or (sent.unreadable and not sent.changes):
        raise typer.Exit(1)


def _opened(settings: Path) -> Runtime:
    runtime = Runtime.open(settings_of(settings))
    if runtime.store.on_sqlite:
        migrate(runtime.store)
    else:
        runtime.store.check_version()
    return runtime


def _show_json(sent: Loaded, seconds: float, *, full: bool) -> None:
    counted = {"changes": sent.changes, "unreadable": sent.unreadable, **({"left": sent.left} if full else {})}
    out.out(to_json({**counted, "seconds": round(seconds, 3)}).decode())


def _show(sent: Loaded, seconds: float, shape: UserShape) -> None:
    rate = f"{sent.changes / seconds:,.0f} a second" if seconds else ""
    out.print(f"{sent.changes:,} messages taken in ({rate}), {sent.unreadable:,} could not be read", highlight=False)
    if shape.full and not sent.unnamed:
        out.print(f"{sent.left:,} left {shape.entered[0]}: they are not in the file", highlight=False, markup=False)
    if sent.unreadable:
        err.print("Those are kept as problems with their reasons: `connector problems` lists them.")


def _nothing(_: Sequence[Message]) -> int:
    return 0


def _send(
    runtime: Runtime, file: Path, format: str, note: Callable[[Sequence[Message]], int], *, backfill: bool, silent: bool
) -> Loaded:
    changes = unreadable = noted = 0
    limit = runtime.settings.intake.max_message_bytes
    with (
        reader.opened(file, None, format, UserShape(), limit, str(file)) as rows,
        bar(file.name, rows.size, silent=silent) as moved,
    ):
        while (batch := rows.batch(ROWS_AT_ONCE)).rows:
            accepted = accept(runtime.store, runtime.syncs, batch.messages, backfill=backfill)
            changes += accepted.changes
            unreadable += accepted.unreadable
            noted += note(batch.messages)
            moved(rows.position())
    if noted and not silent:
        err.print(f"{noted:,} of these users Customer.io may have from Hull: they are due", highlight=False)
    return Loaded(changes, unreadable)


def _send_table(
    runtime: Runtime, file: Path, kind: str, shape: UserShape, *, backfill: bool, silent: bool, yes: bool
) -> Loaded:
    load = Load(runtime.store, runtime.syncs, shape, runtime.settings.intake.max_message_bytes, backfill)
    with table.opened(file, kind) as opened:
        user_from_row.check(shape, opened.columns, str(file))
        check_segments(runtime, shape.entered, yes=yes)
        with bar(file.name, opened.size, silent=silent) as moved:
            return load.run(opened, lambda: moved(opened.position))
