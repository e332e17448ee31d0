"""Checks the signature of Segment's webhooks."""

import hmac

from fastapi import HTTPException, Request
from pydantic import SecretStr


def check_signature(request: Request, body: bytes, secret: SecretStr) -> None:
    """Raises HTTPException 401 unless `X-Signature` is the HMAC-SHA1 of this body with the secret, in hex.

    Such senders sign with SHA-1 only, which is still safe in an HMAC.
    """
    given = request.headers.get("x-signature", "").strip().lower()
    expected = hmac.digest(secret.get_secret_value().encode(), body, "sha1").hex()
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(401, "X-Signature is not the HMAC-SHA1 of this body with the shared secret, in hex")
