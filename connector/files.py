"""Files of messages, read as a stream: memory does not grow with the file's length.

NDJSON (one JSON value a line), a JSON list, or one JSON value; plain or gzip, recognised by content, not by name.
"""

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, cast

import ijson
from ijson.common import IncompleteJSONError, JSONError
from pydantic_core import from_json

from connector.errors import ConnectorError, UnreadableError

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
        self._content = cast("IO[bytes]", gzip.GzipFile(fileobj=raw)) if compressed else raw

    @property
    def position(self) -> int:
        """How far the file has been read."""
        return self._raw.tell() if self.size is not None else 0

    def documents(self, max_bytes: int) -> Iterator[Any]:
        """The documents: bytes of a JSON text, or a value decoded already. Raises UnreadableError at the broken place.

        A line longer than `max_bytes` comes cut behind that many, so that its reader sees that it is too long.
        """
        try:
            first = self._content.readline(_LONGEST_DOCUMENT)
            while first and not first.strip():
                first = self._content.readline(_LONGEST_DOCUMENT)
            if first.lstrip()[:1] == b"[":
                yield from self._list(first)
            elif _complete(first):
                yield first
                yield from self._lines(max_bytes)
            elif first:
                yield first + self._content.read(_LONGEST_DOCUMENT)
        except (gzip.BadGzipFile, EOFError) as error:
            raise UnreadableError(f"the file is not whole: {error}") from error

    def _lines(self, max_bytes: int) -> Iterator[bytes]:
        while line := self._content.readline(max_bytes + 2):
            rest = line
            while len(rest) > max_bytes + 1 and not rest.endswith(b"\n"):
                rest = self._content.readline(max_bytes + 2)
            if line.strip():
                yield line.rstrip(b"\r\n")

    def _list(self, first: bytes) -> Iterator[Any]:
        try:
            yield from ijson.items(_Joined(first, self._content), "item", use_float=True)
        except (IncompleteJSONError, JSONError) as error:
            raise UnreadableError(f"the list in the file is not JSON: {error}") from error


class _Joined:
    """A file whose first bytes were read already."""

    def __init__(self, first: bytes, rest: IO[bytes]) -> None:
        self._first = first
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        if self._first and size != 0:
            taken = self._first if size < 0 else self._first[:size]
            self._first = self._first[len(taken) :]
            return taken
        return self._rest.read(size)


def _complete(line: bytes) -> bool:
    """Whether a line is a JSON value by itself, as in NDJSON; a line that is no JSON at all counts as one, too."""
    try:
        from_json(line)
    except ValueError as error:
        return "EOF" not in str(error)
    return True


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
