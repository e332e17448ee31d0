"""The kinds of rows of a source. A new kind is a module with a class that fits `RowKind`, and its line in `_KINDS`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from connector.audience.rules import Rules
from connector.bulk.warehouse.event_rows import EventRows
from connector.bulk.warehouse.object_rows import ObjectRows
from connector.bulk.warehouse.user_rows import UserRows
from connector.errors import SettingsError
from connector.model.change import Change, ObjectChange
from connector.settings.warehouse import WarehouseSource


class RowKind(Protocol):
    """The way in which rows of one kind are read."""

    def message(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the native message that a row stands for. Raises UnreadableError for a row that stands for none."""
        ...

    def key_of(self, message: Mapping[str, Any]) -> str | None:
        """Returns the key that tells a row's message from all others in every run; None where it has no key."""
        ...

    def leaving(self, key: str) -> Change | ObjectChange | None:
        """Returns the change that follows when no row has this key any more; None where nothing follows."""
        ...


_KINDS: Mapping[str, Callable[[WarehouseSource, Sequence[str], Sequence[Rules]], RowKind]] = {
    "people": UserRows,
    "events": EventRows,
    "objects": ObjectRows,
}


def of(source: WarehouseSource, columns: Sequence[str], syncs: Sequence[Rules]) -> RowKind:
    """Returns the way in which the rows of a source, whose query has these columns, are read for these syncs.

    Raises SettingsError where the query lacks a column that the settings of the source name, or where its columns do
    not fit the kind of its rows.
    """
    name = f"sources.{source.name}"
    for column in (source.key, source.cursor, *source.columns):
        if column and column not in columns:
            raise SettingsError(f"{name}: the query gives no column {column!r}: it gives {', '.join(columns)}")
    return _KINDS[source.kind](source, columns, syncs)
