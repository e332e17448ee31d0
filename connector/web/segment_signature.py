"""Checks the signature of Segment's webhooks."""

import hmac

from fastapi import HTTPException, Request
from pydantic import SecretStr


def check_signature(request: Request, body: bytes, secret: SecretStr) -> None:
    """Lets a request pass whose `X-Signature` was made of this body with the secret. Raises HTTPException 401.

    SHA-1 is what such senders sign with; as an HMAC it still holds.
    """
    given = request.headers.get("x-signature", "").strip().lower()
    expected = hmac.digest(secret.get_secret_value().encode(), body, "sha1").hex()
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(401, "X-Signature is not the HMAC-SHA1 of this body with the shared secret, in hex")
