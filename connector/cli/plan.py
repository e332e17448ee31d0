"""`connector plan`: what a file of messages would send."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic_core import from_json, to_json
from rich.table import Table
from rich.text import Text
from typer import Option

from connector import files, inbox
from connector.model.change import Message
from connector.cli.options import SETTINGS_TOML, AsJson, File, Format, SettingsFile, err, out, settings_of
from connector.errors import ConnectorError, SettingsError, UnreadableError
from connector.formats import NAMES
from connector.preview import Preview, Previewer
from connector.audience.rules import Rules

Known = Annotated[
    Path | None,
    Option("--known", help='People delivered already: [{"user": KEY, "identifier": VALUE, "attributes": {...}}].'),
]

Explain = Annotated[bool, Option("--explain", help="Say of each attribute, event and operation why it is sent or not.")]


def plan(
    file: File,
    settings: SettingsFile = SETTINGS_TOML,
    format: Format = "hull",
    known: Known = None,
    explain: Explain = False,
    json: AsJson = False,
) -> None:
    """Show what a file of messages would send to Customer.io; nothing is stored or sent."""
    if format not in NAMES:
        raise SettingsError(f"--format: {format!r} is not accepted; give one of {', '.join(NAMES)}")
    loaded = settings_of(settings)
    previewer = Previewer(tuple(Rules.of(sync) for sync in loaded.syncs.values()), explained=explain)
    if known is not None:
        previewer.know(_known(known))
    previews = previewer.preview(_messages(file, format, loaded.intake.max_message_bytes))
    if json:
        for each in previews:
            out.out(to_json(each.as_json()).decode(), highlight=False)
    elif explain:
        for each in previews:
            _explain(each)
    else:
        _show(previews)


def _messages(file: Path, format: str, max_bytes: int) -> Iterator[Message]:
    with files.opened(file) as opened:
        for document in opened.documents(max_bytes):
            yield from inbox.read(format, document, max_bytes)


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
    table = Table("what", "name", "becomes", "because", box=None, pad_edge=False)
    for line in preview.explanation:
        table.add_row(*map(Text, line))
    out.print(table)


def _show(previews: Iterator[Preview]) -> None:
    table = Table("user", "sync", "decision", "reason", "operations", "left out", title="What would be sent")
    decisions: Counter[str] = Counter()
    for each in previews:
        decisions[each.decision] += 1
        operations = Counter(str(operation.get("action", "event")) for operation in each.operations)
        events = (f"{name}: {why}" for name, why in each.skipped_events)
        left_out = chain(events, (problem.reason for problem in each.problems))
        counted = ", ".join(f"{count} {name}" if count > 1 else name for name, count in operations.items())
        cells = (
            each.user or each.object or "",
            each.sync or "",
            each.decision,
            each.reason,
            counted,
            "\n".join(left_out),
        )
        table.add_row(*map(Text, cells))
    out.print(table)
    err.print(", ".join(f"{count} {name}" for name, count in sorted(decisions.items())) or "no messages")
