"""Turns rows into native messages, in batches of bounded length and size."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic_core import PydanticSerializationError, to_json

from connector.bulk.tabular.column_names import NamedRowError, UnnamedRowError
from connector.bulk.tabular.table import Table
from connector.errors import UnreadableError
from connector.intake import bodies
from connector.intake.bodies import SHOWN_CHARACTERS
from connector.model import bounds
from connector.model.change import Message, Unreadable

ROWS_AT_ONCE = 1000
"""The most rows that go into one transaction."""
BYTES_AT_ONCE = 2_000_000

Native = dict[str, Any]


class Said(NamedTuple):
    """The content of a row: a native message as JSON, or why there is none, and the key of the user that it names.

    unnamed: whether the row is of a user who cannot be told.
    """

    body: bytes | Unreadable
    key: str | None = None
    unnamed: bool = False


def one(
    row: Mapping[str, Any] | Unreadable,
    message: Callable[[Mapping[str, Any]], Native],
    key_of: Callable[[Native], str | None],
) -> Said:
    """Returns the content of one row. It has the key of the named user even if the rest of the row cannot be read."""
    if isinstance(row, Unreadable):
        return Said(row, unnamed=True)
    try:
        given = message(row)
    except UnreadableError as error:
        whom = _known(key_of(dict(error.message))) if isinstance(error, NamedRowError) else None
        unnamed = isinstance(error, UnnamedRowError)
        return Said(Unreadable(str(error), bounds.readable(row)[:SHOWN_CHARACTERS]), whom, unnamed)
    return Said(_encoded(given), _known(key_of(given)))


def _known(key: str | None) -> str | None:
    """Returns the key if the store can hold it. A row with any other key is read, and refused with its reason."""
    return key if key is None or bounds.storable(key) else None


def _encoded(given: Native) -> bytes:
    """Returns the message as JSON. A value that JSON cannot hold is marked, so that only its field is left out."""
    try:
        return to_json(given)
    except (PydanticSerializationError, ValueError, RecursionError):
        return json.dumps(bounds.bounded(given), default=str).encode()


def every(
    table: Table, message: Callable[[Mapping[str, Any]], Native], key_of: Callable[[Native], str | None]
) -> Iterator[Said | UnreadableError]:
    """Yields the content of each row of a table and, where the table breaks off, the error as the last item."""
    try:
        for row in table.rows():
            yield one(row, message, key_of)
    except UnreadableError as error:
        yield error


def batches(said: Iterable[Said | UnreadableError]) -> Iterator[list[Said]]:
    """Yields lists of bounded length and size. Raises the error at which the rows end, after the rows before it."""
    batch: list[Said] = []
    size = 0
    for each in said:
        if isinstance(each, UnreadableError):
            yield batch
            raise each
        batch.append(each)
        size += len(each.body) if isinstance(each.body, bytes) else 0
        if len(batch) >= ROWS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def read(body: bytes | Unreadable, max_bytes: int) -> list[Message]:
    """Returns the changes that a row comes to; a row of more than `max_bytes` is a problem."""
    return [body] if isinstance(body, Unreadable) else bodies.read("native", body, max_bytes)
