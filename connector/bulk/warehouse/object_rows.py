"""Rows that are objects of one type. An object whose row is gone has left: the type's `on_exit` says what follows."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.audience.rules import Rules
from connector.bulk.tabular.column_names import read_as, renamed
from connector.bulk.tabular.wanted_columns import Header, WantedColumns
from connector.errors import UnreadableError
from connector.formats.reading import word
from connector.formats.relationships import DEFAULT_TYPE, object_id
from connector.model.change import ObjectChange
from connector.settings.warehouse import WarehouseSource


class ObjectRows:
    """The way in which the rows of a source are objects (`RowKind`)."""

    def __init__(self, source: WarehouseSource, columns: Sequence[str], syncs: Sequence[Rules]) -> None:
        """Checks the query's columns.

        Raises SettingsError where two are read as one attribute, or where one differs from an attribute that the
        settings read and that no column has only in case or punctuation.
        """
        self._type = source.object_type or DEFAULT_TYPE
        self._key, self._columns, self._whole = source.key, source.columns, source.whole
        self._key_is_sent = source.key in source.columns
        own = [column for column in columns if column != source.key or self._key_is_sent]
        name = f"sources.{source.name}"
        names = read_as(own, source.columns, name)
        wanted = WantedColumns.of_objects(syncs, self._type, setting=f"{name} columns")
        wanted.check(Header(own, names, (), source.columns), name)

    def message(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the native message of a row, with its object: the key column is the id, the others are attributes.

        The key column is an attribute too where the settings give it a name. Raises UnreadableError for a row without
        an id that Customer.io would take.
        """
        if word(row.get(self._key)) is None:
            raise UnreadableError(f"the row has neither a text nor an integer in {self._key!r}")
        id = object_id(row[self._key])
        own = row if self._key_is_sent else {name: row[name] for name in row if name != self._key}
        attributes = dict(renamed(own, self._columns))
        return {"object": {"type": self._type, "id": id, "attributes": attributes}, "whole": self._whole}

    def key_of(self, message: Mapping[str, Any]) -> str | None:
        """Returns the object's id."""
        return str(message["object"]["id"])

    def leaving(self, key: str) -> ObjectChange:
        """Returns the change by which the object leaves. It has no version, so it counts as the newest, as rows do."""
        return ObjectChange(self._type, key, left=True)
