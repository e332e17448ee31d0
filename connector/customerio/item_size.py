"""The size limit of one item of a batch. A person with more attributes than fit is sent in several items."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json

from connector.model.limits import ATTRIBUTES_AN_ITEM, ITEM_ATTRIBUTE_BYTES

# A value of 1000 bytes may have six times as many as JSON, where control characters are written \u00XX.
_ATTRIBUTES_THAT_ALWAYS_FIT = 4


def fits(attributes: Mapping[str, Any]) -> bool:
    """Says whether one item can carry all of the attributes."""
    if len(attributes) <= _ATTRIBUTES_THAT_ALWAYS_FIT:
        return True
    return len(attributes) <= ATTRIBUTES_AN_ITEM and len(to_json(attributes)) <= ITEM_ATTRIBUTE_BYTES


def first(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the first attributes, as many as one item can carry, and at least one."""
    part: dict[str, Any] = {}
    size = 0
    for name, value in attributes.items():
        size += len(to_json({name: value}))
        if part and (size > ITEM_ATTRIBUTE_BYTES or len(part) >= ATTRIBUTES_AN_ITEM):
            break
        part[name] = value
    return part
