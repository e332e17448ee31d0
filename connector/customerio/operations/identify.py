"""identify: create or update a person, or an object."""

from collections.abc import Mapping
from typing import Any

from connector.customerio.operations import Item, objects
from connector.model.entity import OBJECT_ID, Identifier


def item(identifier: Identifier, attributes: Mapping[str, Any], *, update_only: bool = False) -> Item:
    """Returns the item that sets `attributes`, null removing one, and creates the person unless `update_only`.

    No `timestamp` is sent: one request at a time per person keeps the order, and a stale one would make Customer.io
    drop a newer truth without a word (docs/customerio.md#order).
    """
    if identifier.type == OBJECT_ID:
        return objects.identified(identifier.value, attributes)
    return {
        "type": "person",
        "identifiers": {identifier.type: identifier.value},
        "action": "identify",
        "attributes": {**attributes, "_update": True} if update_only else dict(attributes),
    }
