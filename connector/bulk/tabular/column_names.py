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
    """A row that cannot be read but names its user, who is in the table and so does not leave by it."""

    def __init__(self, reason: str, message: Mapping[str, Any]) -> None:
        super().__init__(reason)
        self.message = message


class UnnamedRowError(UnreadableError):
    """A row of a user who cannot be told: anybody may be in the table by it, so nobody can leave by that table."""


def is_blank(row: Mapping[str, Any]) -> bool:
    """Says whether a row has only null and blank texts, so that it is of nobody."""
    return all(value is None or (isinstance(value, str) and not value.strip()) for value in row.values())


def renamed(row: Mapping[str, Any], columns: ColumnNames) -> Mapping[str, Any]:
    """Returns the row under the names that it is read by, without the columns that are left out."""
    if not columns:
        return row
    named = ((columns.get(name, name), value) for name, value in row.items())
    return {name: value for name, value in named if name}


def read_as(given: Sequence[str], columns: ColumnNames, name: str) -> tuple[str, ...]:
    """Returns the names that the columns `given` of a table called `name` are read as, without those left out.

    Raises SettingsError where two columns are read as one name.
    """
    names = tuple(columns.get(column, column) for column in given)
    target = next((target for target, count in Counter(names).items() if target and count > 1), None)
    if target is not None:
        others = listed([one for one in given if columns.get(one, one) == target])
        raise SettingsError(f"{name}: its columns {others} are all read as {target!r}: leave all but one out")
    return tuple(each for each in names if each)


def listed(columns: Sequence[str]) -> str:
    """Returns the first 20 of the columns as a list for a sentence, with "..." where there are more."""
    more = ", ..." if len(columns) > _SHOWN else ""
    return ", ".join(columns[:_SHOWN]) + more
