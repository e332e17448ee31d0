"""A file of messages, or a table of users, as rows that are read one by one: skipped, or turned into changes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from connector.bulk import files
from connector.bulk.tabular import row_messages as said
from connector.bulk.tabular import table, user_from_row
from connector.bulk.tabular.user_from_row import UserShape
from connector.errors import UnreadableError
from connector.model.change import Message

Messages = list[Message]


class Batch(NamedTuple):
    """Some rows: how many, and the changes they come to."""

    rows: int
    messages: Messages


@dataclass(slots=True)
class TableReader:
    """Rows of a file that is open. position, size: how far it has been read, in whatever it counts.

    broken: why the file breaks off, once that place has been reached.
    """

    rows: Iterator[Any]
    read: Callable[[Any], tuple[Messages, int]]
    position: Callable[[], int]
    size: int | None
    broken: UnreadableError | None = None

    def skip(self, count: int) -> None:
        """Skips so many rows."""
        next(islice(self.rows, count, count), None)

    def batch(self, most: int) -> Batch:
        """Returns the next rows, at most so many, and no more than one transaction should have; none at the end.

        Where the file breaks off, the rows before that place are returned first. The next call raises UnreadableError.
        """
        messages: Messages = []
        count = size = 0
        while count < most and size < said.BYTES_AT_ONCE and (row := self._next(count)) is not None:
            found, length = self.read(row)
            messages += found
            count, size = count + 1, size + length
        return Batch(count, messages)

    def _next(self, count: int) -> Any:
        """Returns the next row; None at the end, and where the file breaks off after the `count` rows of a batch."""
        try:
            row = next(self.rows, None)
        except UnreadableError as error:
            self.broken = error
            row = None
        if row is None and self.broken is not None and not count:
            raise self.broken
        return row


@contextmanager
def opened(
    path: Path, kind: str | None, format: str, shape: UserShape, max_bytes: int, name: str
) -> Iterator[TableReader]:
    """Opens a file of users or of messages.

    Args:
        path: The file.
        kind: The kind of table; None for a file of messages.
        format: The format of the messages.
        shape: What the columns of a table mean.
        max_bytes: The most bytes that one message may have.
        name: What errors call the file.

    Raises:
        ConnectorError: The file cannot be read.
        SettingsError: The columns do not fit the shape.
    """
    if kind is None:
        with files.opened(path) as messages:
            read = _of_message(format, max_bytes)
            yield TableReader(messages.documents(max_bytes), read, lambda: messages.position, messages.size)
        return
    with table.opened(path, kind) as rows:
        user_from_row.check(shape, rows.columns, name)
        shape = user_from_row.of_texts(shape) if rows.untyped else shape
        yield TableReader(rows.rows(), of_row(shape, max_bytes), lambda: rows.position, rows.size)


def _of_message(format: str, max_bytes: int) -> Callable[[Any], tuple[Messages, int]]:
    def read(document: files.Document) -> tuple[Messages, int]:
        return files.read(format, document, max_bytes), len(document.body)

    return read


def of_row(shape: UserShape, max_bytes: int) -> Callable[[Any], tuple[Messages, int]]:
    """Returns a function that reads a row of this shape: its changes, and the size of its message in bytes."""

    def read(row: Any) -> tuple[Messages, int]:
        one = said.one(row, lambda given: user_from_row.message(given, shape), lambda _: None)
        return said.read(one.body, max_bytes), len(one.body) if isinstance(one.body, bytes) else 0

    return read
