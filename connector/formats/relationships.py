"""What every format reads the same way of objects and of relationships to them."""

from collections.abc import Mapping
from typing import Any

from connector.errors import UnreadableError
from connector.formats.reading import object_of, word
from connector.model import identifiers
from connector.model.change import ObjectOrigin, Relationship
from connector.model.limits import OBJECT_ID_BYTES

DEFAULT_TYPE = "1"
MOST = 1000
"""The most relationships that a message may name."""
_TYPE_DIGITS = 9


def type_id(value: object) -> str:
    """Returns Customer.io's object_type_id: an integer from 1, as a number or a text; "1" where none is given."""
    if value is None:
        return DEFAULT_TYPE
    text = word(value) or ""
    if not text.isascii() or not text.isdigit() or len(text) > _TYPE_DIGITS or text.startswith("0"):
        raise UnreadableError("the type of an object is not an integer from 1, Customer.io's object_type_id")
    return text


def object_id(value: object) -> str:
    """Returns the id of an object. Raises UnreadableError where Customer.io would not take it."""
    text = identifiers.text(value)
    if text is None:
        raise UnreadableError("an object has no id")
    if len(text.encode(errors="replace")) > OBJECT_ID_BYTES or not text.isprintable():
        raise UnreadableError(
            f"an object's id exceeds {OBJECT_ID_BYTES} bytes, or has control characters or broken Unicode"
        )
    return text


def attributes(value: object, whose: str) -> Mapping[str, Any]:
    """Returns the attributes of an object or a relationship."""
    return object_of(value, f"the attributes of {whose} are")


def relationship(
    type: object, id: object, told: object = None, *, gone: bool = False, origin: ObjectOrigin = "object"
) -> Relationship:
    """Reads a relationship of a user to an object.

    Args:
        type: The id of the object's type, as it came.
        id: The id of the object, as it came.
        told: The attributes of the relationship; None for nothing.
        gone: Whether the relationship has ended.
        origin: What in the message tells of it.

    Raises:
        UnreadableError: The type, the id or the attributes cannot be read.
    """
    return Relationship(type_id(type), object_id(id), attributes(told, "a relationship"), gone, origin)
