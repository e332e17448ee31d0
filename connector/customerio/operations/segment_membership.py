"""add_customers and remove_customers: the members of a manual segment (docs/customerio.md#manual-segments).

These go to the Track API v1, up to a thousand people in a request that names the segment and the kind of identifier.
Customer.io silently ignores an identifier that it does not know, so a person must be known first.
"""

from connector.customerio.operations import Item
from connector.model.entity import Identifier

SEGMENTS = "segments/"
"""The beginning of the endpoints."""


def item(identifier: Identifier, segment: str | int, *, add: bool) -> Item:
    """Returns the item that puts a person into a manual segment (id; in a preview maybe name), or takes them out."""
    action = "add_customers" if add else "remove_customers"
    identifiers = {identifier.type: identifier.value}
    return {"type": "segment", "identifiers": identifiers, "action": action, "manual_segment": segment}


def endpoint(identifier: Identifier, segment: str | int, *, add: bool) -> str:
    """Returns the endpoint below /api/v1. Operations of the same endpoint may go in one request."""
    action = "add_customers" if add else "remove_customers"
    return f"{SEGMENTS}{segment}/{action}?id_type={identifier.type}"


def segment_of(endpoint: str) -> str:
    """Returns the manual segment that an endpoint is about, "" if it is about none."""
    return endpoint.removeprefix(SEGMENTS).partition("/")[0] if endpoint.startswith(SEGMENTS) else ""
