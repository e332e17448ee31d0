"""`connector plan`: what a file of messages, or a table of users, would send."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic_core import from_json, to_json
from rich.text import Text
from typer import Option

from connector.admin.preview.preview import Preview, Previewer
from connector.audience.rules import Rules
from connector.bulk.tabular import reader, user_from_row
from connector.bulk.tabular.row_messages import ROWS_AT_ONCE
from connector.bulk.tabular.table import kind_of
from connector.bulk.tabular.user_from_row import UserShape
from connector.bulk.tabular.wanted_columns import WantedColumns
from connector.cli.opening import settings_of
from connector.cli.options import SETTINGS_TOML, AsJson, SettingsFile, Yes, err, out
from connector.cli.table_options import AllowMissing, FileFormat, TableFile, TableKey, TableSegments, check_format
from connector.cli.tables import table
from connector.errors import ConnectorError, UnreadableError
from connector.model.change import Message, Unreadable
from connector.model.visible import visible
from connector.settings.schema import Settings

KnownFile = Annotated[
    Path | None,
    Option("--known", help='People delivered already: [{"user": KEY, "identifier": VALUE, "attributes": {...}}].'),
]

Explain = Annotated[bool, Option("--explain", help="Say of each attribute, event and operation why it is sent or not.")]


def plan(
    file: TableFile,
    settings: SettingsFile = SETTINGS_TOML,
    format: FileFormat = "",
    key: TableKey = None,
    segment: TableSegments = None,
    allow_missing: AllowMissing = False,
    known: KnownFile = None,
    explain: Explain = False,
    yes: Yes = False,  # noqa: ARG001  # nothing is asked here: what is written for `send` is taken
    json: AsJson = False,
) -> None:
    """Show what a file of messages, or of users, would send to Customer.io; nothing is stored or sent."""
    check_format(format)
    loaded = settings_of(settings)
    syncs = Rules.all_of(loaded)
    previewer = Previewer(syncs, explained=explain)
    if known is not None:
        previewer.know(_known(known))
    wanted = WantedColumns.of(syncs, may_lack=allow_missing)
    shape = UserShape(key, tuple(segment or ()), columns=loaded.rows.columns, wanted=wanted)
    seen: Counter[bool] = Counter()
    previews = previewer.preview(_noted(_messages(file, format or loaded.intake.format, shape, loaded), seen))
    if json:
        for each in previews:
            out.out(to_json(each.as_json()).decode(), highlight=False)
    elif explain:
        for each in previews:
            _explain(each)
    else:
        _show(previews)
    if seen[False] and not seen[True]:
        raise typer.Exit(1)


def _noted(messages: Iterator[Message], seen: "Counter[bool]") -> Iterator[Message]:
    """The messages; how many could be read, and how many not, is counted."""
    for each in messages:
        seen[not isinstance(each, Unreadable)] += 1
        yield each


def _messages(file: Path, format: str, shape: UserShape, settings: Settings) -> Iterator[Message]:
    kind = kind_of(file, format)
    if kind is None:
        user_from_row.refuse_shape(shape, str(file))
    with reader.opened(file, kind, format, shape, settings.intake.max_message_bytes, str(file)) as rows:
        while (batch := rows.batch(ROWS_AT_ONCE)).rows:
            yield from batch.messages


def _known(file: Path) -> list[Any]:
    try:
        rows = from_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise ConnectorError(f"{file}: cannot be read as JSON ({error})") from error
    if not isinstance(rows, list):
        raise UnreadableError(f"{file}: is not a list of people")
    return rows


def _explain(preview: Preview) -> None:
    """One message: what is decided, and then thing by thing what becomes of it."""
    whom = preview.user or (f"the object {preview.object}" if preview.object else "nobody")
    title = f"{whom} in {preview.sync}" if preview.sync else "a message that cannot be read"
    out.print(Text(f"{title}: {preview.decision} ({preview.reason})", style="bold"))
    columns = ("what", "name", "becomes", "because")
    if preview.explanation:
        out.print(table(columns, preview.explanation, whole=("what",), box=None, pad_edge=False))


def _show(previews: Iterator[Preview]) -> None:
    decisions: Counter[str] = Counter()
    rows = []
    for each in previews:
        decisions[each.decision] += 1
        rows.append(_cells(each))
    columns = ("user", "sync", "decision", "reason", "operations", "left out")
    out.print(table(columns, rows, whole=("decision",), title="What would be sent"))
    err.print(", ".join(f"{count} {name}" for name, count in sorted(decisions.items())) or "no messages")


def _cells(preview: Preview) -> tuple[str, ...]:
    operations = Counter(str(operation.get("action", "event")) for operation in preview.operations)
    counted = ", ".join(f"{count} {name}" if count > 1 else name for name, count in operations.items())
    whom = preview.user or preview.object or ""
    return visible(whom), preview.sync or "", preview.decision, preview.reason, counted, "\n".join(_left_out(preview))


def _left_out(preview: Preview) -> Iterator[str]:
    """What of a message is not sent, each thing once: the reason for the whole message stands beside it."""
    yield from (visible(f"{name}: {why}") for name, why in preview.skipped_events)
    yield from (visible(each.reason) for each in preview.problems if each.reason not in preview.reason)
