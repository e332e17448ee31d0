"""The columns of each kind of export, the same for files and for tables. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from connector.model.export_state import ExportKind

ColumnType = Literal["text", "integer", "time", "json"]
"""The types of columns. time: unix seconds, written as a timestamp in UTC; json: any value, written as JSON."""
LogRow = Mapping[str, Any]


class ExportColumn(NamedTuple):
    """A column of an export: its name and the type of its values."""

    name: str
    type: ColumnType = "text"


class ExportForm(NamedTuple):
    """The columns that one kind of export writes. key: those that identify a row, so that a table has none twice."""

    columns: Sequence[ExportColumn]
    key: Sequence[str]


FORMS: Mapping[ExportKind, ExportForm] = {
    "changes": ExportForm(
        (
            ExportColumn("call"),
            ExportColumn("item", "integer"),
            ExportColumn("items", "integer"),
            ExportColumn("at", "time"),
            ExportColumn("sync"),
            ExportColumn("person"),
            ExportColumn("change"),
            ExportColumn("did"),
            ExportColumn("verdict"),
        ),
        ("call", "item"),
    ),
    "snapshot": ExportForm(
        (
            ExportColumn("sync"),
            ExportColumn("person"),
            ExportColumn("identifier_type"),
            ExportColumn("identifier"),
            ExportColumn("attributes", "json"),
            ExportColumn("updated_at", "time"),
            ExportColumn("taken_at", "time"),
        ),
        ("sync", "person"),
    ),
    "runs": ExportForm(
        (
            ExportColumn("kind"),
            ExportColumn("id"),
            ExportColumn("name"),
            ExportColumn("connection"),
            ExportColumn("started_at", "time"),
            ExportColumn("ended_at", "time"),
            ExportColumn("outcome"),
            ExportColumn("reason"),
            ExportColumn("rows", "integer"),
            ExportColumn("bytes", "integer"),
            ExportColumn("status", "integer"),
            ExportColumn("counts", "json"),
        ),
        ("kind", "id"),
    ),
}


def storable(value: Any) -> Any:
    """Returns a JSON value with U+FFFD for each NUL, which PostgreSQL keeps neither in texts nor in JSON."""
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case list():
            return [storable(each) for each in value]
        case dict():
            return {storable(name): storable(inner) for name, inner in value.items()}
    return value
