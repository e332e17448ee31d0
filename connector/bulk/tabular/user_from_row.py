"""Turns a row into the native message of the user that it stands for (docs/files.md)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic_core import from_json

from connector.bulk.tabular import id_cells
from connector.bulk.tabular.column_names import ColumnNames, NamedRowError, UnnamedRowError, listed, read_as, renamed
from connector.bulk.tabular.wanted_columns import ACCOUNT, Header, WantedColumns
from connector.errors import SettingsError, UnreadableError
from connector.formats.reading import word
from connector.formats.user_key import user_key, visitor

SEGMENTS = "segments"
"""The column with all the segments a user is in: a list, also as JSON text, or their names with `|` between them."""
_BETWEEN = "|"
_WRITTEN_OTHERWISE = (
    'the segments are written in a way that is not known: give A|B, or ["A", "B"]; A| for one whose name has a comma'
)
_MAYBE_A_LIST = re.compile(r"[,;\t\n]|^\s*[{(].*[})]\s*$")
IDENTITIES = ("id", "external_id", "email", "anonymous_id", "anonymous_ids")
"""The columns that say who a user is, as in every format."""


@dataclass(frozen=True, slots=True)
class UserShape:
    """The way in which the rows of a table are users.

    key: the column that is the user's id, None where the table has one that every format knows; entered: the segments
    that everybody in the table is in; full: whether nobody else is in the one of `entered`; columns: what some columns
    are read as; whole: whether a row is everything there is to know of a user; wanted: what of it the settings send;
    ids: the columns with ids that a program may have made numbers of, see `of_texts`.
    """

    key: str | None = None
    entered: tuple[str, ...] = ()
    full: bool = False
    columns: ColumnNames = field(default_factory=dict)
    whole: bool = True
    wanted: WantedColumns = field(default_factory=WantedColumns)
    ids: frozenset[str] = frozenset()


def of_texts(shape: UserShape) -> UserShape:
    """Returns the shape for a table whose cells are all text: with the columns whose ids may have become numbers."""
    read = {"id", "external_id", "anonymous_id", f"{ACCOUNT}id", *shape.wanted.identifiers}
    own = {column for column, name in shape.columns.items() if name in read}
    key = {shape.key} if shape.key else set[str]()
    return replace(shape, ids=frozenset(own | key | (read - shape.columns.keys())))


def check(shape: UserShape, columns: Sequence[str], name: str) -> None:
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
    shape.wanted.check(header(shape, columns, name), name)


def header(shape: UserShape, columns: Sequence[str], name: str) -> Header:
    """Returns the header of a table, called `name`, for rows of this shape. Raises SettingsError as `read_as` does."""
    names = read_as(columns, shape.columns, name)
    renamed = shape.columns if shape.key is None else {shape.key: "", **shape.columns}
    have = names if shape.key is None else [*names, "id"]
    return Header(columns, have, (*IDENTITIES, SEGMENTS), renamed)


def refuse_shape(shape: UserShape, name: str) -> None:
    """Raises SettingsError where the caller says how rows are users: `name` is a file of messages."""
    if (shape.key, shape.entered, shape.full) != (None, (), False):
        raise SettingsError(f"--key, --segment and --full are for tables of users: {name} is not CSV or Parquet")


def message(row: Mapping[str, Any], shape: UserShape) -> dict[str, Any]:
    """Returns the native message of a row: the user, the account, and the segments.

    Raises UnreadableError for a row without an id in the column `key`, since its other columns might name the user by
    another key; UnnamedRowError where an id is there but cannot be told; NamedRowError where the segments are unclear.
    """
    if shape.ids:
        row = id_cells.unmade(row, shape.ids)
    given = renamed(row, shape.columns)
    user = {name: value for name, value in given.items() if name != SEGMENTS and not name.startswith(ACCOUNT)}
    if shape.key is not None:
        user["id"] = row.get(shape.key)
        if word(user["id"]) is None:
            nobody = user["id"] is None or isinstance(user["id"], str)
            reason = f"the row has neither a text nor an integer in {shape.key!r}"
            raise UnreadableError(reason) if nobody else UnnamedRowError(reason)
    said: dict[str, Any] = {"user": user, "whole": shape.whole}
    if account := _account(given):
        said["account"] = account
    try:
        whole = _names(given.get(SEGMENTS))
    except UnreadableError as error:
        raise NamedRowError(str(error), said) from None
    if whole is None:
        return {**said, "entered": list(shape.entered)}
    return {**said, SEGMENTS: [*whole, *shape.entered] if isinstance(whole, list) else whole}


def _account(given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the attributes of the user's account, which are the columns called account.NAME."""
    return {name.removeprefix(ACCOUNT): value for name, value in given.items() if name.startswith(ACCOUNT)}


def _names(given: Any) -> Any:
    """Returns the segments of a row, none for `|` alone. A value that is not text is left for the format to refuse.

    Raises UnreadableError for a text that another program may mean as a list: read as the name of one segment, it would
    take the user out of all others.
    """
    if not isinstance(given, str):
        return given
    if given.lstrip().startswith("["):
        return _listed_in(given)
    if _BETWEEN not in given and _MAYBE_A_LIST.search(given):
        raise UnreadableError(_WRITTEN_OTHERWISE)
    return [name.strip() for name in given.split(_BETWEEN) if name.strip()]


def _listed_in(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        raise UnreadableError(_WRITTEN_OTHERWISE) from None


def key_of(given: Mapping[str, Any]) -> str | None:
    """Returns the key of the user that a message names; None where it names nobody."""
    user = given["user"]
    try:
        return user_key(user, visitor(user))
    except UnreadableError:
        return None
