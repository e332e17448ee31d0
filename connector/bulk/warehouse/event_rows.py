"""Rows that are events, each taken once by its id. A row that is gone changes nothing: the event has happened."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.audience.rules import Rules
from connector.bulk.tabular import event_from_row
from connector.bulk.tabular.event_from_row import EventShape
from connector.bulk.tabular.wanted_columns import WantedColumns
from connector.settings.warehouse import WarehouseSource


class EventRows:
    """The way in which the rows of a source are events (`RowKind`)."""

    def __init__(self, source: WarehouseSource, columns: Sequence[str], _: Sequence[Rules]) -> None:
        """Checks the query's columns.

        Raises SettingsError where they do not say whose the events are or what they are called, where two are read as
        one name, or where one differs from a known name only in case or punctuation.
        """
        name = f"sources.{source.name}"
        self._shape = EventShape(source.key, source.event, source.columns)
        WantedColumns(setting=f"{name} columns").check(event_from_row.header(self._shape, columns), name)
        event_from_row.check(self._shape, columns, name)

    def message(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the native message of a row, with its event. Raises UnreadableError for a row without an id."""
        return event_from_row.message(row, self._shape)

    def key_of(self, message: Mapping[str, Any]) -> str | None:
        """Returns the event's own id."""
        return str(message["events"][0]["id"])

    def leaving(self, key: str) -> None:
        """Returns None: an event has happened, whether its row is still there or not."""
