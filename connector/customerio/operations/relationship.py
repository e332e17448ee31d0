"""add_relationships and delete_relationships: that a person is related to an object, and how.

One relationship an operation, though Customer.io takes many: what is wrong with one then harms no other.
"""

from collections.abc import Mapping
from typing import Any

from connector.customerio.operations import Item, identify
from connector.customerio.operations.objects import identifiers
from connector.model.entity import Identifier


def added(identifier: Identifier, key: str, attributes: Mapping[str, Any], *, update_only: bool = False) -> Item:
    """Returns the item that relates a person to an object, or changes the attributes of the relationship.

    Args:
        identifier: the person's identifier.
        key: the key of the object.
        attributes: the attributes of the relationship; null removes one.
        update_only: True if the person must not be created. Adding a relationship would create the person; an identify
            can be told not to (docs/customerio.md#operations).

    Returns:
        The item of a batch.
    """
    related = {"identifiers": identifiers(key), "relationship_attributes": dict(attributes)}
    if update_only:
        return {**identify.item(identifier, {}, update_only=True), "cio_relationships": [related]}
    return _item("add_relationships", identifier, related)


def ended(identifier: Identifier, key: str) -> Item:
    """Returns the item that ends the relationship; ending what is not there is a success."""
    return _item("delete_relationships", identifier, {"identifiers": identifiers(key)})


def _item(action: str, identifier: Identifier, related: Mapping[str, Any]) -> Item:
    whose = {identifier.type: identifier.value}
    return {"type": "person", "identifiers": whose, "action": action, "cio_relationships": [dict(related)]}
