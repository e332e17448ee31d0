"""Customer.io's limits, in bytes of UTF-8 (docs/customerio.md#sizes), and what breaks one.

A check gives back what is wrong, one per bad field, and nothing for what is right. Lengths are measured in bytes only
where the characters could exceed the limit (one is four bytes at most), since almost none do.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic_core import to_json

ID_BYTES = 150
NAME_BYTES = 150
VALUE_BYTES = 1000
ATTRIBUTES = 300
EVENT_NAME_BYTES = 100
EVENT_DATA_BYTES = 100_000
ITEM_BYTES = 32_000
BATCH_BYTES = 500_000

_FIXED_SIZE = (int, float, bool, type(None))


class Wrong(NamedTuple):
    """One bad field: a word for the kind, the dotted path within the operation, a sentence."""

    reason: str
    field: str
    message: str


def too_long(text: str, limit: int) -> bool:
    """Says whether the text takes more than `limit` bytes."""
    return len(text) * 4 > limit and len(text.encode("utf-8", "surrogatepass")) > limit


def size(value: Any) -> int:
    """Returns how many bytes a value takes as compact JSON."""
    return len(to_json(value))


def value_is_too_long(value: Any) -> bool:
    """Says whether an attribute's value breaks its limit: text by itself, arrays and objects as compact JSON."""
    if isinstance(value, str):
        return too_long(value, VALUE_BYTES)
    return not isinstance(value, _FIXED_SIZE) and size(value) > VALUE_BYTES


def attributes(value: Any, field: str = "attributes") -> Sequence[Wrong]:
    """Returns what is wrong with a person's, object's or relationship's attributes; nulls and reserved names count."""
    if value is None:
        return ()
    if not isinstance(value, dict):
        return (Wrong("invalid", field, "must be an object"),)
    wrong: list[Wrong] = []
    if len(value) > ATTRIBUTES:
        wrong.append(Wrong("invalid", field, f"cannot have more than {ATTRIBUTES} attributes"))
    for name, held in value.items():
        kind = type(held)
        # The common cases in line: this loop runs for every attribute of every person of a fleet.
        if len(name) > 37 and too_long(name, NAME_BYTES):
            wrong.append(Wrong("invalid", f"{field}.{name}", f"attribute name cannot exceed {NAME_BYTES} bytes"))
        if (len(held) > 250 if kind is str else kind is dict or kind is list) and value_is_too_long(held):
            wrong.append(Wrong("invalid", f"{field}.{name}", f"attribute value cannot exceed {VALUE_BYTES} bytes"))
    return wrong


def event_name(value: Any) -> Sequence[Wrong]:
    """Returns what is wrong with an event's name; spaces around it do not count."""
    if not isinstance(value, str) or not value.strip():
        return (Wrong("required", "name", "event name cannot be blank"),)
    if too_long(value.strip(), EVENT_NAME_BYTES):
        return (Wrong("invalid", "name", f"event name cannot exceed {EVENT_NAME_BYTES} bytes"),)
    return ()


def event_data(value: Any, field: str, may_be_large: bool) -> Sequence[Wrong]:
    """Returns what is wrong with an event's data; it is measured only if the call is large enough to hold too much."""
    if value is not None and not isinstance(value, dict):
        return (Wrong("invalid", field, f"event {field} must be an object"),)
    if may_be_large and size(value) > EVENT_DATA_BYTES:
        return (Wrong("invalid", field, f"event {field} cannot exceed {EVENT_DATA_BYTES} bytes"),)
    return ()


def timestamp(value: Any, field: str = "timestamp") -> Sequence[Wrong]:
    """Returns what is wrong with a time: unix seconds, or not given."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return ()
    return (Wrong("invalid", field, "must be a unix timestamp in seconds"),)


def identifier(value: Any, field: str) -> Sequence[Wrong]:
    """Returns what is wrong with one identifier."""
    if type(value) is str and 0 < len(value) <= 37:
        return ()
    if isinstance(value, bool) or not isinstance(value, str | int):
        return (Wrong("invalid", field, "must be a string or a number"),)
    if value == "":
        return (Wrong("required", field, "cannot be empty"),)
    if isinstance(value, str) and too_long(value, ID_BYTES):
        return (Wrong("invalid", field, f"cannot exceed {ID_BYTES} bytes"),)
    return ()


def text(value: Any, field: str) -> Sequence[Wrong]:
    """Returns what is wrong with a text that must be there."""
    if isinstance(value, str) and value:
        return ()
    return (Wrong("required", field, "must be a string and cannot be empty"),)
