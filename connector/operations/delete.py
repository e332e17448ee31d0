"""delete: remove a person and everything Customer.io holds of them. Deleting a missing person is a success."""

from connector.entity import Identifier
from connector.operations import Item


def item(identifier: Identifier) -> Item:
    """Deletes the person known by `identifier` (reference: customerio-api, 7.2)."""
    return {"type": "person", "identifiers": {identifier.type: identifier.value}, "action": "delete"}
