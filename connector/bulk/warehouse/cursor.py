"""A place in a query's rows: the value of a column that they are ordered by, as text that the store can keep."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic_core import from_json, to_json

from connector.errors import ConnectorError

_READ: Mapping[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "Decimal": Decimal,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "UUID": UUID,
}


def written(value: Any, column: str) -> str:
    """Returns the value as text. Raises ConnectorError, which names `column`, for a value of no type in `_READ`."""
    name = type(value).__name__
    if name not in _READ:
        accepted = ", ".join(_READ)
        raise ConnectorError(f"the column {column!r} has a value of the type {name}: rows are read on by {accepted}")
    return to_json([name, value.isoformat() if isinstance(value, date) else str(value)]).decode()


def read(text: str | None) -> Any:
    """Returns the value that `written` made this text of; None for None."""
    if text is None:
        return None
    name, value = from_json(text)
    return _READ[name](value)
