"""From a row to the native message it stands for (docs/operations.md, "Bulk loads from files")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.errors import SettingsError, UnreadableError
from connector.formats.reading import user_key, visitor, word
from connector.bulk.tabular.columns import Columns, listed, read_as, renamed

SEGMENTS = "segments"
"""The column with all the segments a user is in: a list, or their names with `|` between them."""
_BETWEEN = "|"
_ACCOUNT = "account."
IDENTITIES = ("id", "external_id", "email", "anonymous_id", "anonymous_ids")
"""The columns that say who a user is, as in every format."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows of a table are users.

    key: the column that is the user's id, None where the table has one that every format knows; entered: the segments
    that everybody in the table is in; full: whether nobody else is in the one of `entered`; columns: what some columns
    are read as; whole: whether a row is everything there is to know of a user.
    """

    key: str | None = None
    entered: tuple[str, ...] = ()
    full: bool = False
    columns: Columns = field(default_factory=dict)
    whole: bool = True


def check(shape: Shape, columns: Sequence[str], name: str) -> None:
    """Raises SettingsError where a table of these columns, called `name`, cannot be read in this shape."""
    names = read_as(columns, shape.columns, name)
    if shape.full and len(shape.entered) != 1:
        raise SettingsError("--full: say of which segment the file is the whole audience, with one --segment NAME")
    if any(not segment.strip() for segment in shape.entered):
        raise SettingsError("--segment: the name is empty")
    if not shape.entered and SEGMENTS not in names:
        raise SettingsError(
            f"{name} does not say who is in which segment: give --segment NAME, or a column {SEGMENTS!r}"
        )
    if shape.key is not None and shape.key not in columns:
        raise SettingsError(f"--key: {name} has no column {shape.key!r}: it has {listed(columns)}")
    if shape.key is None and not any(column in names for column in IDENTITIES):
        known = ", ".join(IDENTITIES)
        raise SettingsError(f"{name} has none of the columns {known}: give --key COLUMN; it has {listed(columns)}")


def message(row: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """The native message of a row: everything there is to know of the user, and the segments.

    Raises UnreadableError for a row without an id in the column that is to have it: another of its columns might name
    the user, but not by the key under which all others are known.
    """
    given = renamed(row, shape.columns)
    user = {name: value for name, value in given.items() if name != SEGMENTS and not name.startswith(_ACCOUNT)}
    if shape.key is not None:
        user["id"] = row.get(shape.key)
        if word(user["id"]) is None:
            raise UnreadableError(f"the row has neither a text nor an integer in {shape.key!r}")
    said: dict[str, Any] = {"user": user, "whole": shape.whole}
    if len(user) < len(given) and (account := _account(given)):
        said["account"] = account
    whole = _names(given.get(SEGMENTS))
    if whole is None:
        return {**said, "entered": list(shape.entered)}
    return {**said, SEGMENTS: [*whole, *shape.entered] if isinstance(whole, list) else whole}


def _account(given: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of the user's account: columns called account.NAME."""
    return {name.removeprefix(_ACCOUNT): value for name, value in given.items() if name.startswith(_ACCOUNT)}


def _names(given: Any) -> Any:
    """The segments of a row; `|` alone is none. What is neither a list nor a text is for the format to refuse."""
    if not isinstance(given, str):
        return given
    return [name.strip() for name in given.split(_BETWEEN) if name.strip()]


def key_of(given: Mapping[str, Any]) -> str | None:
    """The key of the user whom a message names, even if the rest of it cannot be read; None where it names none."""
    user = given["user"]
    try:
        return user_key(user, visitor(user))
    except UnreadableError:
        return None
