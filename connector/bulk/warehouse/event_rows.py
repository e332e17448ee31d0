"""Rows that are events: each is taken once, and one that is gone from the query has happened all the same."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.bulk.tabular import event_rows as event
from connector.bulk.tabular.event_rows import EventShape
from connector.settings.warehouse import WarehouseSource


class Events:
    """The events of a source."""

    def __init__(self, source: WarehouseSource, columns: Sequence[str]) -> None:
        """Raises SettingsError where the columns do not say whose the events are, or what they are called."""
        self._shape = EventShape(source.key, source.event, source.columns)
        event.check(self._shape, columns, f"sources.{source.name}")

    def message(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The event that a row stands for."""
        return event.message(row, self._shape)

    def key_of(self, message: Mapping[str, Any]) -> str | None:
        """The event's own id."""
        return str(message["events"][0]["id"])

    def leaving(self, key: str) -> None:
        """Nothing."""
