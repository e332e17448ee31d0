"""What the columns of a table are read as: the settings give some of them other names, or leave them out."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.errors import SettingsError

Columns = Mapping[str, str]
"""New names by those in the table; "" leaves the column out. A column that is not here keeps its name."""
_SHOWN = 20


def renamed(row: Mapping[str, Any], columns: Columns) -> Mapping[str, Any]:
    """The row under the names that it is read by."""
    if not columns:
        return row
    named = ((columns.get(name, name), value) for name, value in row.items())
    return {name: value for name, value in named if name}


def read_as(given: Sequence[str], columns: Columns, name: str) -> tuple[str, ...]:
    """What the columns `given` of a table called `name` are read as. Raises SettingsError where two become one."""
    names = tuple(columns.get(column, column) for column in given)
    for column in given:
        target = columns.get(column, column)
        if target and names.count(target) > 1:
            others = listed([one for one in given if columns.get(one, one) == target])
            raise SettingsError(f"{name}: its columns {others} are all read as {target!r}: leave all but one out")
    return tuple(each for each in names if each)


def listed(columns: Sequence[str]) -> str:
    """Columns in a row, for a sentence."""
    more = ", ..." if len(columns) > _SHOWN else ""
    return ", ".join(columns[:_SHOWN]) + more
