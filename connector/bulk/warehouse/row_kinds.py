"""What the rows of a source are. A new kind is one module with a class like these, and its line in `_KINDS`."""

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
    """How rows of one kind are read."""

    def message(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The native message that a row stands for. Raises UnreadableError for a row that stands for none."""
        ...

    def key_of(self, message: Mapping[str, Any]) -> str | None:
        """What tells this row's message from the others', run after run; None where nothing does."""
        ...

    def leaving(self, key: str) -> Change | ObjectChange | None:
        """What it means that this key is in no row any more; None where it means nothing."""
        ...


_KINDS: Mapping[str, Callable[[WarehouseSource, Sequence[str], Sequence[Rules]], RowKind]] = {
    "people": UserRows,
    "events": EventRows,
    "objects": ObjectRows,
}


def of(source: WarehouseSource, columns: Sequence[str], syncs: Sequence[Rules]) -> RowKind:
    """How the rows of a source are read for these syncs.

    Raises SettingsError where a query with these columns cannot be, or has one that nearly fits.
    """
    name = f"sources.{source.name}"
    for column in (source.key, source.cursor, *source.columns):
        if column and column not in columns:
            raise SettingsError(f"{name}: the query gives no column {column!r}: it gives {', '.join(columns)}")
    return _KINDS[source.kind](source, columns, syncs)
