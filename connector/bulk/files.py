"""Files of messages, read as a stream: memory does not grow with the file's length.

NDJSON (one JSON value a line), a JSON list, or one JSON value; plain or gzip, recognised by content, not by name.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple, cast

from pydantic_core import from_json

from connector.bulk import json_list, unzipped
from connector.errors import ConnectorError, UnreadableError
from connector.formats import decode
from connector.intake import bodies
from connector.model.change import Message, Unreadable

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_DOCUMENT = 64 * 1024 * 1024
_OF_ONE_LINE = re.compile(r" at line \d+ (?=column)")
STANDARD_INPUT = Path("-")


class Document(NamedTuple):
    """The text of a JSON value in a file, and its place, "" where it is the only one."""

    body: bytes
    place: str = ""


def read(format: str, document: Document, max_bytes: int) -> list[Message]:
    """Returns the changes in a document. The reason of what cannot be read names its place in the file."""
    return [
        replace(each, reason=_placed(each.reason, document.place)) if isinstance(each, Unreadable) else each
        for each in bodies.read(format, document.body, max_bytes)
    ]


def no_message(document: Document, max_bytes: int) -> str:
    """Returns why a document is no message in any format; "" where it may be one."""
    reason = ""
    if len(document.body) > max_bytes:
        reason = f"it is larger than [intake] max_message_bytes, {max_bytes} bytes"
    else:
        try:
            reason = "" if isinstance(decode(document.body), dict | list) else "it is neither an object nor a list"
        except UnreadableError as error:
            reason = str(error)
    return reason and _placed(reason, document.place)


def _placed(reason: str, place: str) -> str:
    """Returns the reason with the place in the file instead of the line within the text."""
    return f"{place}: {_OF_ONE_LINE.sub(' at ', reason.replace('the body', 'it', 1))}" if place else reason


class MessageFile:
    """An open file of messages. `position` and `size` are bytes of the file as it lies on disk, for a progress bar."""

    def __init__(self, raw: BufferedReader, size: int | None) -> None:
        """Takes the open file, and its size in bytes, None where that cannot be known."""
        self.size = size
        self._raw = raw
        self._content = unzipped.plain(raw)
        self._line = 0

    @property
    def position(self) -> int:
        """Returns how many bytes have been read; 0 where the size is not known."""
        return self._raw.tell() if self.size is not None else 0

    def documents(self, max_bytes: int) -> Iterator[Document]:
        """Yields the documents. Raises UnreadableError at the place where the file is broken.

        A document that is longer than `max_bytes` is cut just after that, so that its reader sees that it is too long.
        """
        if self._starts_a_list():
            found = json_list.items(self._content.read, max_bytes)
            yield from (Document(item, f"item {place} of the list") for place, item in enumerate(found, 1))
        else:
            yield from self._values(max_bytes)

    def _starts_a_list(self) -> bool:
        """Skips blanks and a byte order mark, and says whether a square bracket comes next."""
        if self._content.peek(3)[:3] == _BYTE_ORDER_MARK:
            self._content.read(3)
        while (first := self._content.peek(1)[:1]).isspace():
            self._line += self._content.read(1) == b"\n"
        return first == b"["

    def _values(self, max_bytes: int) -> Iterator[Document]:
        """Yields the lines of NDJSON, of which a bad one harms only itself, or one value written over several lines."""
        lines = self._lines(max_bytes)
        first = next(lines, None)
        if first is None:
            return
        second = None if _complete(first.body) else next(lines, None)
        if second is None or len(first.body) > max_bytes or _is_document(second.body):
            yield first
            if second:
                yield second
            yield from lines
        else:
            yield Document(b"\n".join((first.body, second.body, self._content.read(_LONGEST_DOCUMENT))))

    def _lines(self, max_bytes: int) -> Iterator[Document]:
        while line := self._content.readline(max_bytes + 2):
            self._line += 1
            rest = line
            while len(rest) > max_bytes + 1 and not rest.endswith(b"\n"):
                rest = self._content.readline(max_bytes + 2)
            if line.strip():
                yield Document(line.rstrip(b"\r\n"), f"line {self._line}")


def _complete(line: bytes) -> bool:
    """Says whether a line is a whole JSON value, as in NDJSON; a line that is no JSON at all counts as one, too."""
    try:
        from_json(line)
    except ValueError as error:
        return "EOF" not in str(error)
    return True


def _is_document(line: bytes) -> bool:
    """Says whether a line is one whole object, and is not indented."""
    try:
        return line.startswith(b"{") and isinstance(from_json(line), dict)
    except ValueError:
        return False


@contextmanager
def opened(path: Path) -> Iterator[MessageFile]:
    """Opens a file of messages, or standard input for `-`. Raises ConnectorError where it cannot be read."""
    with opened_raw(path) as (raw, size):
        yield MessageFile(raw, size)


@contextmanager
def opened_raw(path: Path) -> Iterator[tuple[BufferedReader, int | None]]:
    """Opens a file, with its size in bytes, or standard input for `-`, without one. Raises ConnectorError."""
    if path == STANDARD_INPUT:
        yield cast("BufferedReader", sys.stdin.buffer), None
        return
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ConnectorError(f"{path}: cannot be read ({error.strerror})") from error
    with raw:
        yield raw, path.stat().st_size
