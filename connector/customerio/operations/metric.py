"""A metric of a delivery, reported for a message that Customer.io sent: it goes to v1 /metrics, and names no person."""

from connector.customerio.operations import Item
from connector.model.entity import PendingEvent

ENDPOINT = "metrics"
_IN_APP = ("action_name", "action_value")


def item(event: PendingEvent) -> Item:
    """Returns the body of `POST /api/v1/metrics` (docs/customerio.md#operations)."""
    told = {name: value for name, value in event.properties.items() if name not in _IN_APP}
    wire: Item = {**told, "metric": event.name}
    if event.occurred_at is not None:
        wire["timestamp"] = event.occurred_at
    clicked = {name: event.properties[name] for name in _IN_APP if name in event.properties}
    return {**wire, "metadata": clicked} if clicked else wire
