"""Turns a row into the native message of the event that it stands for (docs/warehouses.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.bulk.tabular.column_names import ColumnNames, listed, read_as, renamed
from connector.bulk.tabular.user_from_row import IDENTITIES
from connector.bulk.tabular.wanted_columns import Header
from connector.errors import SettingsError, UnreadableError
from connector.formats.reading import word

NAME, TIME, TYPE = "name", "time", "type"


@dataclass(frozen=True, slots=True)
class EventShape:
    """The way in which the rows of a table are events.

    key: the column with an event's own id. name: the name of all events, "" where a column has it.
    """

    key: str
    name: str = ""
    columns: ColumnNames = field(default_factory=dict)


def check(shape: EventShape, columns: Sequence[str], name: str) -> None:
    """Raises SettingsError where a table of these columns, called `name`, cannot be read in this shape."""
    own = [column for column in columns if column != shape.key or column in shape.columns]
    names = read_as(own, shape.columns, name)
    if not any(each in names for each in IDENTITIES):
        known = ", ".join(IDENTITIES)
        raise SettingsError(f"{name} does not say whose the events are: it has none of {known}, but {listed(columns)}")
    if not shape.name and NAME not in names and TYPE not in names:
        raise SettingsError(f"{name} does not name the events: give `event`, or a column {NAME!r} or {TYPE!r}")


def header(shape: EventShape, columns: Sequence[str]) -> Header:
    """Returns the header of a table whose rows are read as events."""
    renamed = shape.columns if shape.key in shape.columns else {shape.key: "", **shape.columns}
    names = [each for column in columns if (each := renamed.get(column, column))]
    return Header(columns, names, (*IDENTITIES, NAME, TIME, TYPE), renamed)


def message(row: Mapping[str, Any], shape: EventShape) -> dict[str, Any]:
    """Returns the native message of a row: the user and the event, with every other column as a property of it.

    Raises UnreadableError for a row without the event's id.
    """
    id = word(row.get(shape.key))
    if id is None:
        raise UnreadableError(f"the row has neither a text nor an integer in {shape.key!r}")
    own = row if shape.key in shape.columns else {name: row[name] for name in row if name != shape.key}
    given = dict(renamed(own, shape.columns))
    user = {name: given.pop(name) for name in IDENTITIES if name in given}
    event = {"id": id, TYPE: given.pop(TYPE, None), TIME: given.pop(TIME, None)}
    event[NAME] = shape.name or given.pop(NAME, None)
    return {"user": user, "events": [{**event, "properties": given}]}
