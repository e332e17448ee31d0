"""delete: remove a person, or an object, and everything Customer.io holds of them. Who is missing is a success."""

from connector.model.entity import OBJECT_ID, Identifier
from connector.customerio.operations import Item, objects


def item(identifier: Identifier) -> Item:
    """Deletes the person known by `identifier` (reference: customerio-api, 7.2)."""
    if identifier.type == OBJECT_ID:
        return objects.deleted(identifier.value)
    return {"type": "person", "identifiers": {identifier.type: identifier.value}, "action": "delete"}
