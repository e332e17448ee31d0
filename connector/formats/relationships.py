"""What every format reads the same way of objects and of relationships to them."""

from collections.abc import Mapping
from typing import Any

from connector.model.change import Origin, Relationship
from connector.errors import UnreadableError
from connector.formats.reading import word

DEFAULT_TYPE = "1"
ID_BYTES = 150
MOST = 1000
"""How many relationships a message may name."""
_TYPE_DIGITS = 9


def type_id(value: object) -> str:
    """Customer.io's object_type_id: an integer from 1, as a number or a text; "1" where none is given."""
    if value is None:
        return DEFAULT_TYPE
    text = word(value) or ""
    if not text.isascii() or not text.isdigit() or len(text) > _TYPE_DIGITS or text.startswith("0"):
        raise UnreadableError("the type of an object is not an integer from 1, Customer.io's object_type_id")
    return text


def object_id(value: object) -> str:
    """The id of an object. Raises UnreadableError where Customer.io would not take it."""
    text = word(value)
    if text is None:
        raise UnreadableError("an object has no id")
    if len(text.encode(errors="replace")) > ID_BYTES or not text.isprintable():
        raise UnreadableError(f"an object's id exceeds {ID_BYTES} bytes, or has control characters or broken Unicode")
    return text


def attributes(value: object, whose: str) -> Mapping[str, Any]:
    """The attributes of an object or a relationship."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnreadableError(f"the attributes of {whose} are not an object")
    return value


def relationship(
    type: object, id: object, told: object = None, *, gone: bool = False, origin: Origin = "object"
) -> Relationship:
    """A relationship to the object of this type and id."""
    return Relationship(type_id(type), object_id(id), attributes(told, "a relationship"), gone, origin)
