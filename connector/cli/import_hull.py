"""`connector import-hull`: the settings of Hull's Customer.io connector as a settings.toml."""

import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic_core import from_json
from typer import Argument, Option

from connector.admin.hull_import import convert
from connector.bulk.whole_file import written_whole
from connector.cli.options import err, out
from connector.errors import ConnectorError, SettingsError, UnreadableError

LARGEST_BYTES = 10_000_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STANDARD_INPUT = Path("-")

HullFile = Annotated[
    Path, Argument(help="JSON: private_settings, or the connector that has them; - for standard input.")
]
Output = Annotated[Path | None, Option("--output", "-o", help="The file to write; left out, standard output.")]
Force = Annotated[bool, Option("--force", help="Write over a file that is there already.")]


def import_hull(file: HullFile, output: Output = None, force: Force = False) -> None:
    """Turn the settings of Hull's Customer.io connector into a settings.toml."""
    try:
        imported = convert.imported(_document(file))
    except UnreadableError as error:
        raise UnreadableError(f"{file}: {error}") from None
    for warning in imported.warnings:
        err.print(f"warning: {warning}", highlight=False, soft_wrap=True)
    if output is None:
        out.out(imported.text, end="", highlight=False)
    else:
        _write(output, imported.text, force=force)
        done = f"{output} is written; now: connector check --settings {output}"
        err.print(done, highlight=False, soft_wrap=True)


def _document(file: Path) -> Any:
    content = _content(file).removeprefix(_BYTE_ORDER_MARK)
    if len(content) > LARGEST_BYTES:
        raise UnreadableError(f"is larger than {LARGEST_BYTES:,} bytes; give the connector's settings alone")
    try:
        return from_json(content)
    except ValueError as error:
        raise UnreadableError(f"is not JSON ({error})") from None


def _content(file: Path) -> bytes:
    if file == _STANDARD_INPUT:
        return sys.stdin.buffer.read(LARGEST_BYTES + 1)
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ConnectorError(f"{file}: cannot be read ({error.strerror})") from error


def _write(output: Path, text: str, *, force: bool) -> None:
    try:
        with written_whole(output, new=not force) as opened:
            opened.write(text.encode())
    except FileExistsError:
        raise SettingsError(f"{output}: is there already; give another name, or --force to write over it") from None
    except OSError as error:
        raise ConnectorError(f"{output}: cannot be written ({error.strerror})") from error
