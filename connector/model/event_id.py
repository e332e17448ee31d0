"""Event ids that are the same each time the same event is seen.

Customer.io ignores an event whose ULID it has had before (docs/customerio.md#event-ids), so a ULID derived from
what upstream says makes every re-send harmless: its first 48 bits are the event's time, its other 80 a digest of who
and what.
"""

from hashlib import sha256

from pydantic_core import to_json

from connector.model.change import Event

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_LATEST_MILLISECOND = 2**48 - 1


def of_event(event: Event, key: str, message_id: str | None, index: int) -> str:
    """Returns the ULID of an event.

    Upstream's own id of the event decides. Where there is none the content does, and then the message's id and the
    event's place in it, where known, tell two equal events apart.

    Args:
        event: What happened.
        key: The key of the user who did it.
        message_id: The id of the message that told of it, where there is one.
        index: The event's place in the message.
    """
    if event.id is not None:
        seed = f"{key}\0{event.id}".encode()
    else:
        place = f"{message_id}\0{index}" if message_id else ""
        seed = to_json([key, place, event.kind, event.name, event.occurred_at, event.properties])
    return encode(max(event.occurred_at or 0, 0) * 1000, sha256(seed).digest())


def encode(milliseconds: int, digest: bytes) -> str:
    """Returns 26 characters of Crockford's base 32, made of a time and the first 10 bytes of a digest."""
    number = (min(milliseconds, _LATEST_MILLISECOND) << 80) | int.from_bytes(digest[:10], "big")
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)])
