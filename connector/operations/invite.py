"""invite: an event for an address that is nobody's profile. Track v2 has no form for it, so it goes to v1 /events."""

from connector.model.entity import OwedEvent
from connector.customerio.operations import Item


def item(event: OwedEvent) -> Item:
    """The body of `POST /api/v1/events` without an anonymous_id (reference: customerio-api, 5)."""
    wire: Item = {"name": event.name, "id": event.id, "data": dict(event.properties)}
    if event.kind != "event":
        wire["type"] = event.kind
    if event.occurred_at is not None:
        wire["timestamp"] = event.occurred_at
    return wire
