"""The two track calls by which Segment's destination reports what became of in-app content, and of deliveries."""

from collections.abc import Mapping
from typing import Any

from connector.model.change import EventKind

CONTENT, DELIVERY = "Report Content Event", "Report Delivery Event"
_CONTENT_KINDS: tuple[EventKind, ...] = ("viewed_content", "clicked_content")
_METRICS = ("bounced", "clicked", "converted", "deferred", "delivered", "dropped", "opened", "spammed")
_FIELDS = {
    "deliveryId": "delivery_id",
    "recipient": "recipient",
    "reason": "reason",
    "href": "href",
    "actionName": "action_name",
    "actionValue": "action_value",
}


def read(name: str, properties: Mapping[str, Any]) -> tuple[EventKind, str, Mapping[str, Any]]:
    """Returns the kind, the name and the properties of a track call: an event, unless it is one of the two.

    One of the two that lacks what it reports is an event like others.
    """
    if name == CONTENT:
        return _content(name, properties)
    metric = properties.get("metric")
    if name == DELIVERY and metric in _METRICS and isinstance(properties.get("deliveryId"), str):
        told = {ours: properties[theirs] for theirs, ours in _FIELDS.items() if isinstance(properties.get(theirs), str)}
        return "metric", str(metric), told
    return "event", name, properties


def _content(name: str, properties: Mapping[str, Any]) -> tuple[EventKind, str, Mapping[str, Any]]:
    for kind in _CONTENT_KINDS:
        if properties.get("actionType") == kind:
            return kind, kind, {each: value for each, value in properties.items() if each != "actionType"}
    return "event", name, properties
