"""Files of messages, read as a stream: memory does not grow with the file's length.

NDJSON (one JSON value a line), a JSON list, or one JSON value; plain or gzip, recognised by content, not by name.
"""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

import ijson
from ijson.common import IncompleteJSONError, JSONError
from pydantic_core import from_json

from connector.errors import ConnectorError, UnreadableError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_DOCUMENT = 64 * 1024 * 1024
STANDARD_INPUT = Path("-")


class MessageFile:
    """An open file of messages. `position` and `size` are bytes of the file as it lies on disk, for a progress bar."""

    def __init__(self, raw: BufferedReader, size: int | None) -> None:
        """`raw`: the file as it is; `size`: None where it cannot be known."""
        self.size = size
        self._raw = raw
        compressed = raw.peek(2)[:2] == _GZIP_MAGIC
        self._content = gzip.GzipFile(fileobj=raw) if compressed else raw

    @property
    def position(self) -> int:
        """How far the file has been read."""
        return self._raw.tell() if self.size is not None else 0

    def documents(self, max_bytes: int) -> Iterator[Any]:
        """The documents: bytes of a JSON text, or a value decoded already. Raises UnreadableError at the broken place.

        A line longer than `max_bytes` comes cut behind that many, so that its reader sees that it is too long.
        """
        try:
            if self._starts_a_list():
                yield from self._list()
            else:
                yield from self._values(max_bytes)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise UnreadableError(f"the file is not whole: {error}") from error

    def _starts_a_list(self) -> bool:
        """Whether the first character is a bracket, once blanks and a byte order mark are passed over."""
        if self._content.peek(3)[:3] == _BYTE_ORDER_MARK:
            self._content.read(3)
        while self._content.peek(1)[:1].isspace():
            self._content.read(1)
        return self._content.peek(1)[:1] == b"["

    def _values(self, max_bytes: int) -> Iterator[bytes]:
        """NDJSON, of which a bad line harms only itself; or one value written over several lines."""
        lines = self._lines(max_bytes)
        first = next(lines, None)
        if first is None:
            return
        second = b"" if _complete(first) else next(lines, b"")
        if not second or len(first) > max_bytes or _is_document(second):
            yield first
            if second:
                yield second
            yield from lines
        else:
            yield b"\n".join((first, second, self._content.read(_LONGEST_DOCUMENT)))

    def _lines(self, max_bytes: int) -> Iterator[bytes]:
        while line := self._content.readline(max_bytes + 2):
            rest = line
            while len(rest) > max_bytes + 1 and not rest.endswith(b"\n"):
                rest = self._content.readline(max_bytes + 2)
            if line.strip():
                yield line.rstrip(b"\r\n")

    def _list(self) -> Iterator[Any]:
        """The items of a list, or of several lists, one after another."""
        try:
            yield from ijson.items(self._content, "item", use_float=True, multiple_values=True)
        except (IncompleteJSONError, JSONError) as error:
            first_line = str(error).splitlines()[0]
            raise UnreadableError(f"the list in the file is not JSON: {first_line}") from error


def _complete(line: bytes) -> bool:
    """Whether a line is a JSON value by itself, as in NDJSON; a line that is no JSON at all counts as one, too."""
    try:
        from_json(line)
    except ValueError as error:
        return "EOF" not in str(error)
    return True


def _is_document(line: bytes) -> bool:
    """Whether a line that is not indented is one whole object."""
    try:
        return line.startswith(b"{") and isinstance(from_json(line), dict)
    except ValueError:
        return False


@contextmanager
def opened(path: Path) -> Iterator[MessageFile]:
    """Opens a file of messages, or standard input for `-`. Raises ConnectorError where it cannot be read."""
    if path == STANDARD_INPUT:
        yield MessageFile(cast("BufferedReader", sys.stdin.buffer), None)
        return
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ConnectorError(f"{path}: cannot be read ({error.strerror})") from error
    with raw:
        yield MessageFile(raw, path.stat().st_size)
