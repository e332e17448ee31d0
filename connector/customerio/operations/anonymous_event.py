"""An event of nobody known: of a visitor, or for an address that is nobody's profile. It goes to v1 /events.

Track v2 is not documented to take an anonymous_id (docs/customerio.md#operations).
"""

from connector.customerio.operations import Item
from connector.model.entity import PendingEvent


def item(event: PendingEvent) -> Item:
    """Returns the body of `POST /api/v1/events` (docs/customerio.md#anonymous-events)."""
    wire: Item = {"name": event.name, "id": event.id, "data": dict(event.properties)}
    if event.anonymous_id is not None:
        wire["anonymous_id"] = event.anonymous_id
    if event.kind != "event":
        wire["type"] = event.kind
    if event.occurred_at is not None:
        wire["timestamp"] = event.occurred_at
    return wire
