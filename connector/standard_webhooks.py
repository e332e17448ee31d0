"""Signs what we send to somebody's HTTP address, as Standard Webhooks has it: webhook-id, -timestamp, -signature.

The secret is `whsec_` and the key in base64. Two secrets, while one replaces the other, are two signatures.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence

PREFIX = "whsec_"
_SHORTEST_BYTES, _LONGEST_BYTES = 24, 64


def key_of(secret: str) -> bytes:
    """Returns the key that a secret holds. Raises ValueError, which names no part of it, where it holds none."""
    try:
        key = b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("is not whsec_ and a key in base64") from None
    if not _SHORTEST_BYTES <= len(key) <= _LONGEST_BYTES:
        raise ValueError(f"is a key of {len(key)} bytes; {_SHORTEST_BYTES} to {_LONGEST_BYTES} are asked for")
    return key


def headers(secrets: Sequence[str], id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Returns the headers of a request; without a secret there is no signature.

    Args:
        secrets: The secrets to sign with.
        id: What the receiver knows a repeat by: the same whenever the same body is tried again.
        timestamp: Unix seconds of this try.
        body: The body as it is sent.
    """
    signed = f"{id}.{timestamp}.".encode() + body
    made = [b64encode(hmac.digest(key_of(each), signed, hashlib.sha256)).decode() for each in secrets]
    found = {"webhook-id": id, "webhook-timestamp": str(timestamp)}
    return {**found, "webhook-signature": " ".join(f"v1,{each}" for each in made)} if made else found
