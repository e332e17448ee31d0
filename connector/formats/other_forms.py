"""Messages of one form that are read as another: told by fields that only their own form has, and never guessed at.

Hull's form takes a message for the whole user, and passes over fields that it does not know. A part of a user in
another form would clear everything that it does not mention.
"""

from collections.abc import Mapping
from typing import Any

from connector.errors import UnreadableError

_ONLY_IN: Mapping[str, frozenset[str]] = {
    "native": frozenset(
        [
            "object",
            "entered",
            "left",
            "whole",
            "version",
            "devices",
            "relationships",
            "deleted",
            "suppressed",
            "merges",
            "topics",
        ]
    ),
    "segment": frozenset(
        [
            "type",
            "userId",
            "anonymousId",
            "groupId",
            "previousId",
            "traits",
            "properties",
            "messageId",
            "sentAt",
            "originalTimestamp",
            "batch",
        ]
    ),
    "hull": frozenset(["messages", "channel", "notification_id", "changes", "segment_ids", "account_segments"]),
    "lytics": frozenset(["data", "meta", "segment_events", "audience_event", "specversion"]),
}


def refuse(message: Mapping[str, Any], own: str) -> None:
    """Raises UnreadableError where a message that is read as `own` has fields that only another form has."""
    if (reason := reason_of(message, own)) is not None:
        raise UnreadableError(reason)


def reason_of(message: Mapping[str, Any], own: str) -> str | None:
    """Returns the sentence that names the form whose fields the message has; None where they may be those of `own`."""
    for form, fields in _ONLY_IN.items():
        if form != own and not fields.isdisjoint(message):
            named = next(name for name in message if name in fields)
            return (
                f'"{named}" is a field of the form {form}, and the message is read as {own}: '
                f"give --format {form}, or [intake] format"
            )
    return None
