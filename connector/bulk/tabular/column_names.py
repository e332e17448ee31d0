"""What the columns of a table are read as: the settings give some of them other names, or leave them out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from connector.errors import SettingsError, UnreadableError

Row = dict[str, Any]
"""A row by the names of its columns."""
ColumnNames = Mapping[str, str]
"""New names by those in the table; "" leaves the column out. A column that is not here keeps its name."""
_SHOWN = 20


class NamedRowError(UnreadableError):
    """A row that says nothing to act on, but whom it is of: they are in the table, and do not leave by it."""

    def __init__(self, reason: str, message: Mapping[str, Any]) -> None:
        super().__init__(reason)
        self.message = message


class UnnamedRowError(UnreadableError):
    """A row of somebody, and nobody can tell of whom: with them in the table, nobody can be said not to be."""


def is_blank(row: Mapping[str, Any]) -> bool:
    """Whether nothing but null and blanks stands in a row: there is nobody in it."""
    return all(value is None or (isinstance(value, str) and not value.strip()) for value in row.values())


def renamed(row: Mapping[str, Any], columns: ColumnNames) -> Mapping[str, Any]:
    """The row under the names that it is read by."""
    if not columns:
        return row
    named = ((columns.get(name, name), value) for name, value in row.items())
    return {name: value for name, value in named if name}


def read_as(given: Sequence[str], columns: ColumnNames, name: str) -> tuple[str, ...]:
    """What the columns `given` of a table called `name` are read as. Raises SettingsError where two become one."""
    names = tuple(columns.get(column, column) for column in given)
    target = next((target for target, count in Counter(names).items() if target and count > 1), None)
    if target is not None:
        others = listed([one for one in given if columns.get(one, one) == target])
        raise SettingsError(f"{name}: its columns {others} are all read as {target!r}: leave all but one out")
    return tuple(each for each in names if each)


def listed(columns: Sequence[str]) -> str:
    """Columns in a row, for a sentence."""
    more = ", ..." if len(columns) > _SHOWN else ""
    return ", ".join(columns[:_SHOWN]) + more
