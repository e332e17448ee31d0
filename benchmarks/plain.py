"""What a program without the connector makes of a notification: an identify or a delete, and events, unchecked."""

from collections.abc import Mapping
from typing import Any

from benchmarks.held import seconds
from benchmarks.notifications import SEGMENTS, WHITELISTED

QUEUE = "plain-messages"
"""Where those programs find the notifications that read the queue themselves."""
_AUDIENCE = frozenset(each["name"] for each in SEGMENTS[:WHITELISTED])
_ATTRIBUTES = {
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "traits_plan": "plan",
    "traits_turn": "turn",
    "traits_mrr": "mrr",
    "traits_seats": "seats",
    "traits_clearbit/employees": "employees",
    "sessions_count": "sessions_count",
}


def message_of(notification: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the one message of a notification."""
    message: Mapping[str, Any] = notification["messages"][0]
    return message


def is_inside(message: Mapping[str, Any]) -> bool:
    """Says whether the user is in the audience."""
    return any(segment["name"] in _AUDIENCE for segment in message["segments"])


def attributes(message: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the attributes that settings.toml names."""
    user = message["user"]
    return {
        **{target: user[source] for source, target in _ATTRIBUTES.items()},
        "created_at": seconds(user["created_at"]),
        "last_seen_at": seconds(user["last_seen_at"]),
        "account_name": message["account"]["name"],
        "hull_segment": sorted(each["name"].lower() for each in message["segments"]),
    }


def operations(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the message as operations of Track v2."""
    person = {"type": "person", "identifiers": {"id": message["user"]["external_id"]}}
    if not is_inside(message):
        return [{**person, "action": "delete"}]
    return [{**person, "action": "identify", "attributes": attributes(message)}, *_events(person, message)]


def _events(person: Mapping[str, Any], message: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            **person,
            "action": "event",
            "name": event["event"],
            "timestamp": seconds(event["created_at"]),
            "attributes": event["properties"],
        }
        for event in message["events"]
    ]
