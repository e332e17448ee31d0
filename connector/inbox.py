"""Bodies as they come through a door, read in their format and taken in: one bad body harms only itself."""

from collections.abc import Iterable, Sequence
from typing import Any

from connector import formats, intake
from connector.model.change import Message, Unreadable
from connector.errors import UnreadableError
from connector.intake import Accepted
from connector.audience.rules import Rules
from connector.store.opening import Store

SHOWN_CHARACTERS = 10_000
"""How much of an unreadable body is kept for a human to look at."""


def take(
    store: Store, syncs: Sequence[Rules], format: str, bodies: Iterable[Any], max_bytes: int, *, backfill: bool = False
) -> Accepted:
    """Takes in bodies of one format, each a decoded JSON value or its text. Raises StoreError where it cannot."""
    messages = [message for body in bodies for message in read(format, body, max_bytes)]
    return intake.accept(store, syncs, messages, backfill=backfill)


def read(format: str, body: Any, max_bytes: int) -> list[Message]:
    """The changes in a body; a body that cannot be read at all is one Unreadable."""
    if not isinstance(body, str | bytes):
        return _parsed(format, formats.whole_characters(body))
    encoded = body.encode(errors="replace") if isinstance(body, str) else body
    if len(encoded) > max_bytes:
        reason = f"the message is larger than [intake] max_message_bytes, {max_bytes} bytes"
        return [Unreadable(reason, _shown(encoded))]
    try:
        return formats.read(format, encoded)
    except UnreadableError as error:
        return [Unreadable(str(error), _shown(encoded))]


def _parsed(format: str, body: Any) -> list[Message]:
    try:
        return formats.parse(format, body)
    except UnreadableError as error:
        return [Unreadable(str(error), body)]


def _shown(body: bytes) -> str:
    return body[:SHOWN_CHARACTERS].decode(errors="replace")
