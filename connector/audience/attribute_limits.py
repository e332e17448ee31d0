"""Tells why Customer.io, or the way to it, would not take an attribute: its name, its value, its choice of topics.

The limits count UTF-8 bytes (docs/customerio.md#sizes). Each answer is the end of a sentence that begins with the
attribute's name, or None where nothing stands against it.
"""

from typing import Any

from pydantic_core import to_json

from connector.model import bounds
from connector.model.attribute_names import PREFERENCES, TOPIC
from connector.model.limits import NAME_BYTES, VALUE_BYTES

_BYTES_A_CHARACTER = 4
SURELY_FITS = VALUE_BYTES // _BYTES_A_CHARACTER
"""The number of characters with which a text fits, whatever they are."""


def name_fault(target: str) -> str | None:
    """Returns why Customer.io would not take an attribute of that name, or None."""
    if not bounds.storable(target):
        return " has NUL or broken Unicode: it is left out"
    if not target.strip():
        return " is blank: it is left out"
    return f"... exceeds {NAME_BYTES} bytes: it is left out" if len(target.encode()) > NAME_BYTES else None


def choice_fault(target: str, value: Any) -> str | None:
    """Returns why Customer.io cannot read a choice of topics (docs/customerio.md#preferences), or None."""
    if value is None or (isinstance(value, bool) and target.startswith(TOPIC)):
        return None
    topics = value.get("topics") if isinstance(value, dict) and target == PREFERENCES else None
    if isinstance(topics, dict) and all(isinstance(each, bool) for each in topics.values()):
        return None
    return "does not say true or false of each topic"


def value_fault(value: Any) -> str | None:
    """Returns why Customer.io, or the way to it, would not take `value`, or None."""
    if isinstance(value, str):
        if len(value) <= SURELY_FITS and value.isascii() and "\0" not in value:
            return None
        if not bounds.storable(value):
            return bounds.fault(value)
        if len(value) * _BYTES_A_CHARACTER <= VALUE_BYTES or len(value.encode()) <= VALUE_BYTES:
            return None
        return f"exceeds {VALUE_BYTES} bytes"
    outside = bounds.fault(value)
    if outside is None and isinstance(value, dict | list) and _size(value) > VALUE_BYTES:
        return f"exceeds {VALUE_BYTES} bytes"
    return outside


def _size(value: Any) -> int:
    return len(to_json(value))
