"""Reads a source's rows page by page, in the order of their keys, so that a caller can go on from any page's end."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from connector.audience.rules import Rules
from connector.bulk.tabular import row_messages as said
from connector.bulk.warehouse import cursor, query, row_kinds
from connector.model.change import Message
from connector.settings.warehouse import WarehouseSource


class RowPage(NamedTuple):
    """Some rows: how many, blank ones with them, the changes they come to, and the place of the last one."""

    rows: int
    messages: list[Message]
    after: str


def read(
    source: WarehouseSource, after: str | None, most: int, max_bytes: int, syncs: Sequence[Rules]
) -> RowPage | None:
    """Reads the next rows of a source whose key is not null. Of rows that have one key the first counts.

    So it makes no difference whether a page ends among them: the next one begins behind their key.

    Args:
        source: The source, with its query.
        after: The place to begin behind; None for the beginning.
        most: The most rows to return.
        max_bytes: The most bytes that the message of a row may have.
        syncs: The syncs that the rows are for.

    Returns:
        The rows; None where there are none.

    Raises:
        ConnectorError: The query fails, or the type of the last row's key is none that rows are ordered by.
        SettingsError: The query's columns do not fit the settings.
    """
    messages = list[Message]()
    with query.opened(source, marked=source.key, after=cursor.read(after), limit=most) as table:
        kind = row_kinds.of(source, table.columns, syncs)
        key: Any = None
        for row in table.rows():
            if table.mark == key:
                continue
            key = table.mark
            messages += said.read(said.one(row, kind.message, kind.key_of).body, max_bytes)
        count, last = table.position, table.mark
    return RowPage(count, messages, cursor.written(last, source.key)) if count else None
