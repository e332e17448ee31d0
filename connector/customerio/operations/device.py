"""add_device and delete_device: where a person can be pushed to."""

from collections.abc import Mapping
from typing import Any

from connector.customerio.operations import Item
from connector.model.entity import Identifier


def added(identifier: Identifier, token: str, device: Mapping[str, Any]) -> Item:
    """Returns the item that adds a device, or updates its platform, last use, attributes (docs/customerio.md#devices).

    Attributes that are not named stay: Customer.io has no way to take one from a device.
    """
    return _item("add_device", identifier, {"token": token, **device})


def deleted(identifier: Identifier, token: str) -> Item:
    """Returns the item that takes a device from a person; taking what is not there is a success."""
    return _item("delete_device", identifier, {"token": token})


def _item(action: str, identifier: Identifier, device: Mapping[str, Any]) -> Item:
    identifiers = {identifier.type: identifier.value}
    return {"type": "person", "identifiers": identifiers, "action": action, "device": dict(device)}
