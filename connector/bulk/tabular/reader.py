"""A file of messages, or a table of users, as rows that are read one by one: passed over, or turned into changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from connector import files, inbox
from connector.model.change import Message
from connector.bulk.tabular import message, said, table
from connector.bulk.tabular.user_rows import Shape

Messages = list[Message]


class Batch(NamedTuple):
    """Some rows: how many, and the changes they come to."""

    rows: int
    messages: Messages


@dataclass(frozen=True, slots=True)
class Reader:
    """Rows of a file that is open. position, size: how far it has been read, in whatever it counts."""

    rows: Iterator[Any]
    read: Callable[[Any], tuple[Messages, int]]
    position: Callable[[], int]
    size: int | None

    def skip(self, count: int) -> None:
        """Passes over so many rows."""
        next(islice(self.rows, count, count), None)

    def batch(self, most: int) -> Batch:
        """The next rows, at most so many, and no more than one transaction should have; none at the end.

        Raises UnreadableError where the file breaks off.
        """
        messages: Messages = []
        count = size = 0
        while count < most and size < said.BYTES_AT_ONCE:
            row = next(self.rows, None)
            if row is None:
                break
            found, length = self.read(row)
            messages += found
            count, size = count + 1, size + length
        return Batch(count, messages)


@contextmanager
def opened(path: Path, kind: str | None, format: str, shape: Shape, max_bytes: int, name: str) -> Iterator[Reader]:
    """Opens a file, called `name` in errors. kind: of a table, None for messages in `format`.

    Raises ConnectorError where it cannot be read, SettingsError where its columns do not fit the shape.
    """
    if kind is None:
        with files.opened(path) as messages:
            read = _of_message(format, max_bytes)
            yield Reader(messages.documents(max_bytes), read, lambda: messages.position, messages.size)
        return
    with table.opened(path, kind) as rows:
        message.check(shape, rows.columns, name)
        yield Reader(rows.rows(), of_row(shape, max_bytes), lambda: rows.position, rows.size)


def _of_message(format: str, max_bytes: int) -> Callable[[Any], tuple[Messages, int]]:
    def read(document: Any) -> tuple[Messages, int]:
        return inbox.read(format, document, max_bytes), len(document) if isinstance(document, bytes) else 0

    return read


def of_row(shape: Shape, max_bytes: int) -> Callable[[Any], tuple[Messages, int]]:
    """How a row of this shape is read: the changes, and the size of its message."""

    def read(row: Any) -> tuple[Messages, int]:
        one = said.one(row, lambda given: message.message(given, shape), lambda _: None)
        return said.read(one.body, max_bytes), len(one.body) if isinstance(one.body, bytes) else 0

    return read
