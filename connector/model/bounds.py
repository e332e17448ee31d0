"""The bounds of a JSON value, the same for every form, door and store: what is within them is read back as it was.

Every reader and writer on the way takes less than JSON allows: a text column of PostgreSQL no NUL, UTF-8 no half of a
surrogate pair, JSON no NaN, most readers of numbers no more than 64 bits, and the fastest reader of JSON nothing nested
more than 200 deep. What one of them does not take must be refused at the door, and must cost its own field alone.
"""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

DEPTH = 50
"""The depth to which lists and objects may be nested: a quarter of what the readers here take, the store's own
brackets and Customer.io's included."""
LEAST, MOST = -(2**63), 2**64 - 1
"""The integers that 64 bits hold, with a sign or without."""

NUL = "has a NUL character, which a store cannot keep"
HALF = "has half of a surrogate pair, which is no character"
NOT_FINITE = "is not a number that JSON can carry"
LONG = "is an integer beyond 64 bits"
DEEP = f"is nested more than {DEPTH} deep"
TWICE = "is given twice"
TOO_LONG = "is a number of too many digits"
NO_JSON = (
    "is of a type that JSON has nothing for (bytes, a range, an address, a set, an interval, a time without end or "
    "beyond our calendar): write it as text or a number, or leave its column out"
)

READ_DEPTH = 2 * DEPTH
"""The depth below which nothing in a message is read: a value may itself stand a few levels deep in its message."""
_MARK = "\ud800"
_MARKED = {_MARK + reason: reason for reason in (DEEP, TWICE, TOO_LONG, NOT_FINITE, NO_JSON)}
_NOT_IN_TEXT = re.compile("[\x00\ud800-\udfff]")
_SUSPICIOUS = re.compile(rb"\\u0000|NaN|Infinity|[0-9]{19}")


def marked(reason: str) -> str:
    """Returns what stands in place of a value that could not be read: nothing takes it, and `fault` says the reason."""
    return _MARK + reason


def storable(text: str) -> bool:
    """Says whether a text has no NUL, which PostgreSQL cannot hold, nor half a surrogate pair, which is no UTF-8."""
    return "\0" not in text if text.isascii() else _NOT_IN_TEXT.search(text) is None


def fault(value: Any) -> str | None:
    """Returns why a JSON value is out of bounds, as the rest of a sentence that begins with its name; else None."""
    if isinstance(value, str):
        return None if storable(value) else _text_fault(value)
    if value is None or value is True or value is False:
        return None
    if isinstance(value, dict | list):
        return _container_fault(value)
    if isinstance(value, float):
        return None if isfinite(value) else NOT_FINITE
    if isinstance(value, int):
        return None if LEAST <= value <= MOST else LONG
    return None


def fitting(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, str]]:
    """Returns the entries of an object that are within the bounds, and by their names why the others are not."""
    if fault(values) is None:
        return values, {}
    faults = {name: why for name, value in values.items() if (why := _named_fault(name, value)) is not None}
    return {name: value for name, value in values.items() if name not in faults}, faults


def whole_characters(text: str) -> str:
    """Returns a text with U+FFFD in place of each character that cannot be kept."""
    return text if storable(text) else _NOT_IN_TEXT.sub("\ufffd", text)


def readable(value: Any) -> str:
    """Returns any value as JSON text for people to read: what no text can carry is shown in another way."""
    try:
        return to_json(value, fallback=str).decode()
    except (PydanticSerializationError, ValueError, RecursionError):
        return to_json(_shown(value, 0), fallback=str).decode()


def bounded(value: Any) -> Any:
    """Returns a decoded value cut to the depth that readers take: `marked` stands in place of what is deeper."""
    try:
        to_json(value, fallback=str)
    except (PydanticSerializationError, ValueError, RecursionError):
        return _cut(value, 0)
    return value


def _cut(value: Any, depth: int) -> Any:
    if not isinstance(value, dict | list):
        return value
    if depth > READ_DEPTH:
        return marked(DEEP)
    if isinstance(value, dict):
        return {name: _cut(each, depth + 1) for name, each in value.items()}
    return [_cut(each, depth + 1) for each in value]


def _shown(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return whole_characters(value)
    if not isinstance(value, dict | list):
        return value
    if depth > DEPTH:
        return "..."
    if isinstance(value, dict):
        return {whole_characters(str(name)): _shown(each, depth + 1) for name, each in value.items()}
    return [_shown(each, depth + 1) for each in value]


def _container_fault(value: dict[str, Any] | list[Any]) -> str | None:
    """Returns as `fault` does. Most values are found to be sound by one look at their text; the others are walked."""
    try:
        text = to_json(value)
    except (PydanticSerializationError, ValueError, RecursionError):
        return _walked(value, 1)
    if text.count(b"[") + text.count(b"{") <= DEPTH and _SUSPICIOUS.search(text) is None:
        return None
    return _walked(value, 1)


def _walked(value: Any, depth: int) -> str | None:
    if not isinstance(value, dict | list):
        return fault(value)
    if depth > DEPTH:
        return DEEP
    if isinstance(value, list):
        return next((why for each in value if (why := _walked(each, depth + 1)) is not None), None)
    return next((why for item in value.items() if (why := _entry_fault(*item, depth)) is not None), None)


def _entry_fault(name: str, value: Any, depth: int) -> str | None:
    return _text_fault(name) if not storable(name) else _walked(value, depth + 1)


def _named_fault(name: str, value: Any) -> str | None:
    return f"has a name that {_text_fault(name)}" if not storable(name) else fault(value)


def _text_fault(text: str) -> str:
    return NUL if "\0" in text else _MARKED.get(text, HALF)
