"""delete: remove a person, or an object, and everything Customer.io holds of them. Deleting nobody is a success."""

from connector.customerio.operations import Item, objects
from connector.model.entity import OBJECT_ID, Identifier


def item(identifier: Identifier) -> Item:
    """Returns the item that deletes the person or object `identifier` (docs/customerio.md#delete-and-suppress)."""
    if identifier.type == OBJECT_ID:
        return objects.deleted(identifier.value)
    return {"type": "person", "identifiers": {identifier.type: identifier.value}, "action": "delete"}
