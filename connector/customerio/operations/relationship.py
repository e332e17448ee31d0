"""add_relationships and delete_relationships: that a person is related to an object, and how.

One relationship an operation, though Customer.io takes many: what is wrong with one then harms no other.
"""

from collections.abc import Mapping
from typing import Any

from connector.model.entity import Identifier
from connector.customerio.operations import Item, identify
from connector.customerio.operations.objects import identifiers


def added(identifier: Identifier, key: str, attributes: Mapping[str, Any], *, update_only: bool = False) -> Item:
    """Relates the person to the object with this key, or changes how; null removes an attribute.

    `update_only`: adding would create the person where there is none, an identify can be told not to (reference:
    customerio-api, 2.2 and 7.5).
    """
    related = {"identifiers": identifiers(key), "relationship_attributes": dict(attributes)}
    if update_only:
        return {**identify.item(identifier, {}, update_only=True), "cio_relationships": [related]}
    return _item("add_relationships", identifier, related)


def ended(identifier: Identifier, key: str) -> Item:
    """Ends the relationship; ending what is not there is a success."""
    return _item("delete_relationships", identifier, {"identifiers": identifiers(key)})


def _item(action: str, identifier: Identifier, related: Mapping[str, Any]) -> Item:
    whose = {identifier.type: identifier.value}
    return {"type": "person", "identifiers": whose, "action": action, "cio_relationships": [dict(related)]}
