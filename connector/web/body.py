"""Reading a request: who sends it, and no more of it than is allowed."""

from hmac import compare_digest

from fastapi import HTTPException, Request
from pydantic import SecretStr


def authorize(request: Request, token: SecretStr | None) -> None:
    """Lets a request pass whose bearer token is the one in the settings. Raises HTTPException 401 or 503."""
    if token is None:
        raise HTTPException(503, "this door is closed: no token is set (CONNECTOR__WEB__TOKEN)")
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not compare_digest(given.strip().encode(), token.get_secret_value().encode()):
        raise HTTPException(401, "send the header 'Authorization: Bearer TOKEN'", {"WWW-Authenticate": "Bearer"})


async def read(request: Request, max_bytes: int) -> bytes:
    """The body. Raises HTTPException 413 as soon as it is larger than `max_bytes`, without reading the rest."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > max_bytes:
            reason = f"the body is larger than [web] max_body_bytes, {max_bytes} bytes: send it in parts"
            raise HTTPException(413, reason)
        parts.append(part)
    return b"".join(parts)
