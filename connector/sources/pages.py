"""A source's rows page by page, in the order of their keys: for who must be able to go on from any row."""

from typing import NamedTuple

from connector.model.change import Message
from connector.bulk.tabular import messages as said
from connector.settings.warehouse import WarehouseSource
from connector.bulk.warehouse import kinds, mark, query


class Page(NamedTuple):
    """Some rows: how many, the changes they come to, and the place of the last one."""

    rows: int
    messages: list[Message]
    after: str


def read(source: WarehouseSource, after: str | None, most: int, max_bytes: int) -> Page | None:
    """The first rows after a place, at most so many; None where there are none.

    Raises ConnectorError where the query fails, SettingsError where its rows cannot be read.
    """
    count, messages = 0, list[Message]()
    with query.opened(source, marked=source.key, after=mark.read(after), limit=most) as table:
        kind = kinds.of(source, table.columns)
        for row in table.rows():
            count += 1
            messages += said.read(said.one(row, kind.message, kind.key_of).body, max_bytes)
        last = table.mark
    return Page(count, messages, mark.written(last, source.key)) if count else None
