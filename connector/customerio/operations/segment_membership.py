"""add_customers and remove_customers: who is in a manual segment (reference: customerio-api, 4.2).

These go to the Track API v1, up to a thousand people in a request that names the segment and the kind of identifier.
An identifier that Customer.io does not know is passed over in silence, so a person must be known first.
"""

from connector.model.entity import Identifier
from connector.customerio.operations import Item

SEGMENTS = "segments/"
"""How the endpoints begin."""
PEOPLE = 1000
"""How many people one request may name."""


def item(identifier: Identifier, segment: str | int, *, add: bool) -> Item:
    """Puts a person into a manual segment (its id; in a preview maybe its name), or takes them out of it."""
    action = "add_customers" if add else "remove_customers"
    identifiers = {identifier.type: identifier.value}
    return {"type": "segment", "identifiers": identifiers, "action": action, "manual_segment": segment}


def endpoint(identifier: Identifier, segment: str | int, *, add: bool) -> str:
    """The endpoint below /api/v1: what goes to the same one may go in one request."""
    action = "add_customers" if add else "remove_customers"
    return f"{SEGMENTS}{segment}/{action}?id_type={identifier.type}"


def segment_of(endpoint: str) -> str:
    """The manual segment that an endpoint is about; "" where it is about none."""
    return endpoint.removeprefix(SEGMENTS).partition("/")[0] if endpoint.startswith(SEGMENTS) else ""
