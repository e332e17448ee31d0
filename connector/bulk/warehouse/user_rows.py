"""Rows that are users. A user whose row is gone leaves the source's segments, or all where rows list them."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.audience.rules import Rules
from connector.bulk.tabular import user_from_row as rows
from connector.bulk.tabular.column_names import read_as
from connector.bulk.tabular.user_from_row import SEGMENTS, UserShape
from connector.bulk.tabular.wanted_columns import WantedColumns
from connector.errors import SettingsError
from connector.model.change import Change, Segment
from connector.settings.warehouse import WarehouseSource

_OWN_NAMES = ("id", "external_id", "email")


class UserRows:
    """The way in which the rows of a source are users (`RowKind`)."""

    def __init__(self, source: WarehouseSource, columns: Sequence[str], syncs: Sequence[Rules]) -> None:
        """Checks the query's columns.

        Raises SettingsError where neither they nor the settings say in which segments the users are, where two are read
        as one name, or where one differs from a name that no column has only in case or punctuation.
        """
        name = f"sources.{source.name}"
        wanted = WantedColumns.of(syncs, may_lack=True, setting=f"{name} columns")
        key = None if source.columns.get(source.key, source.key) in _OWN_NAMES else source.key
        self._shape = UserShape(key, source.segments, columns=source.columns, whole=source.whole, wanted=wanted)
        self._lists_segments = SEGMENTS in read_as(columns, source.columns, name)
        if not source.segments and not self._lists_segments:
            advice = f"give `segments`, or a column {SEGMENTS!r}"
            raise SettingsError(f"{name} does not say who is in which segment: {advice}")
        self._shape.wanted.check(rows.header(self._shape, columns, name), name)

    def message(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the native message of a row, with its user. Raises UnreadableError for a row that cannot be read."""
        return rows.message(row, self._shape)

    def key_of(self, message: Mapping[str, Any]) -> str | None:
        """Returns the user's key, as every format makes it; None where the message names nobody."""
        return rows.key_of(message)

    def leaving(self, key: str) -> Change:
        """Returns the change by which the user leaves. It has no version, so it counts as the newest, as rows do."""
        if self._lists_segments:
            return Change(key=key, user={}, segments=())
        return Change(key=key, user={}, left=tuple(Segment(name, name) for name in self._shape.entered))
