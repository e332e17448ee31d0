"""identify and delete of an object: a company, a course, whatever people are related to."""

from collections.abc import Mapping
from typing import Any

from connector.customerio.operations import Item


def identified(key: str, attributes: Mapping[str, Any]) -> Item:
    """Returns the item that creates or updates an object; null removes an attribute (docs/customerio.md#objects)."""
    return {
        "type": "object",
        "identifiers": identifiers(key),
        "action": "identify",
        "attributes": dict(attributes),
    }


def deleted(key: str) -> Item:
    """Returns the item that deletes the object, and with it everybody's relationship to it."""
    return {"type": "object", "identifiers": identifiers(key), "action": "delete"}


def identifiers(key: str) -> dict[str, str]:
    """Returns an object by type and id: its cio_object_id could update it, and not create it."""
    type_id, _, object_id = key.partition("/")
    return {"object_type_id": type_id, "object_id": object_id}


def key_of(identifiers: Mapping[str, Any]) -> str:
    """Returns the key of the object that these identifiers name."""
    return f"{identifiers['object_type_id']}/{identifiers['object_id']}"
