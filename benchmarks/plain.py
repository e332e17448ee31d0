"""What a program without the connector makes of a change: an identify, and a call for each event, unchecked."""

from collections.abc import Mapping
from typing import Any

QUEUE = "plain-messages"
"""Where those programs find the changes that read the queue themselves."""
_ATTRIBUTES = (
    "email",
    "first_name",
    "last_name",
    "plan",
    "city",
    "employees",
    "turn",
    "created_at",
    "last_seen_at",
)


def attributes(message: Mapping[str, Any]) -> dict[str, Any]:
    """The same attributes that settings.toml names."""
    user = message["user"]
    return {
        **{name: user[name] for name in _ATTRIBUTES},
        "account_name": message["account"]["name"],
        "segments": sorted(each["name"].lower() for each in message["segments"]),
    }


def operations(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The change as operations of Track v2."""
    person = {"type": "person", "identifiers": {"id": message["user"]["id"]}}
    events = [
        {
            **person,
            "action": "event",
            "name": event["name"],
            "timestamp": event["time"],
            "attributes": event["properties"],
        }
        for event in message.get("events", ())
    ]
    return [{**person, "action": "identify", "attributes": attributes(message)}, *events]
