"""Checks the signature of a reporting webhook over its body as it came (docs/customerio.md#webhooks).

An old timestamp is no reason to refuse a webhook: Customer.io tries again for days, and does not document whether it
then signs anew. The event_id tells a webhook that is replayed.
"""

import hashlib
import hmac
from collections.abc import Sequence

_VERSION = b"v0:"
_PREFIX = "v0="


def sign(key: str, timestamp: str, body: bytes) -> str:
    """Returns the signature that Customer.io makes with a key: HMAC-SHA256 in small hexadecimal digits."""
    return hmac.digest(key.encode(), _VERSION + _bytes(timestamp) + b":" + body, hashlib.sha256).hex()


def fits(keys: Sequence[str], given: str, timestamp: str, body: bytes) -> bool:
    """Says whether the signature was made of this body with one of the keys.

    All keys are compared, each in constant time, so that the time tells nothing about them.

    Args:
        keys: The signing keys; two while one is replaced by another.
        given: The header X-CIO-Signature: hexadecimal digits, behind `v0=` or not.
        timestamp: The header X-CIO-Timestamp, as it came.
        body: The bytes of the body, as they came.
    """
    shown = _bytes(given.strip().removeprefix(_PREFIX).lower())
    compared = [hmac.compare_digest(shown, sign(key, timestamp, body).encode()) for key in keys]
    return any(compared)


def _bytes(header: str) -> bytes:
    return header.encode("utf-8", "surrogateescape")
