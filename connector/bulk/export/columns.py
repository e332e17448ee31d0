"""The columns of what is exported, once for files and for tables. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from connector.model.export_state import ExportKind

ColumnType = Literal["text", "integer", "time", "json"]
"""time: unix seconds, which become a timestamp in UTC. json: a value that becomes JSON."""
LogRow = Mapping[str, Any]


class ExportColumn(NamedTuple):
    """A column, and what is in it."""

    name: str
    type: ColumnType = "text"


class ExportForm(NamedTuple):
    """What one kind of export writes. key: the columns by which a row is known, so that none is there twice."""

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
    """Returns JSON without NUL characters, which PostgreSQL keeps neither in texts nor in JSON."""
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case list():
            return [storable(each) for each in value]
        case dict():
            return {storable(name): storable(inner) for name, inner in value.items()}
    return value
