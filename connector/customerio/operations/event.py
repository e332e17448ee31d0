"""event, page, screen: something a person or an anonymous visitor did."""

from connector.customerio.operations import Item
from connector.model.entity import Identifier, PendingEvent


def item(identifier: Identifier, event: PendingEvent) -> Item:
    """Returns the event with its own time and its ULID, so that a re-send is ignored (docs/customerio.md#event-ids)."""
    wire: Item = {
        "type": "person",
        "identifiers": {identifier.type: identifier.value},
        "action": event.kind,
        "name": event.name,
        "id": event.id,
        "attributes": dict(event.properties),
    }
    if event.occurred_at is not None:
        wire["timestamp"] = event.occurred_at
    return wire
