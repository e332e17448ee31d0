"""The doors for calls of the Segment spec: POST /v1/segment, the paths that analytics libraries call, and a webhook."""

import hmac
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, SecretStr
from starlette.concurrency import run_in_threadpool

from connector import formats, intake
from connector.runtime import AtHand
from connector.model.change import Message
from connector.doorbell import Ring
from connector.errors import StoreError, UnreadableError
from connector.formats.segment import spec as segment_spec
from connector.intake import Accepted
from connector.web import body
from connector.web.doors import BEARER, Taken, accepting, refusal

_FORMAT = "segment"
_CHALLENGE = {"WWW-Authenticate": "Basic"}
Type = Literal["identify", "track", "page", "screen", "group", "alias", "delete", "batch"]
Reading = Callable[[bytes], list[Message]]


class Success(BaseModel):
    """What libraries and webhooks expect once a body is taken in, also where a message of it became a problem."""

    success: bool = True


@dataclass(frozen=True, slots=True)
class SegmentDoors:
    """The doors over what the process has open; `ring` says which syncs may have something due."""

    at_hand: AtHand
    ring: Ring

    def router(self) -> APIRouter:
        """The routes; the webhook before the types, one of which it would be taken for."""
        router = APIRouter()
        shown: dict[str, Any] = {"dependencies": [Depends(BEARER)]}
        lines = accepting("application/x-ndjson")
        router.post("/v1/segment", response_model=Taken, openapi_extra=lines, **shown)(self.calls)
        router.post("/v1/segment/webhook", response_model=Success, openapi_extra=accepting())(self.webhook)
        for path in ("/v1/segment/v1/{type}", "/v1/segment/{type}"):
            router.post(path, response_model=Success, openapi_extra=accepting(), **shown)(self.library)
        return router

    async def calls(self, request: Request) -> Any:
        """Takes in calls of the Segment spec: one, a batch, a list of either, or NDJSON."""
        body.authorize(request, self.at_hand.settings.web.token)
        accepted = await self._take(await self._read(request), partial(formats.read, _FORMAT))
        return Taken(changes=accepted.changes, unreadable=accepted.unreadable)

    async def library(self, request: Request, type: Type) -> Any:
        """Takes in what an analytics library sends; it shows the token as a bearer token or as its write key.

        A write key is the user name of HTTP Basic, with an empty password. The path gives the type of a call without.
        """
        authorize_library(request, self.at_hand.settings.web.token)
        await self._take(await self._read(request), partial(_typed, type))
        return Success()

    async def webhook(self, request: Request) -> Any:
        """Takes in calls whose raw body is signed: `X-Signature` is its HMAC-SHA1 in hex."""
        secret = self.at_hand.settings.web.segment_secret
        if secret is None:
            raise HTTPException(503, "this door is closed: no secret is set (CONNECTOR__WEB__SEGMENT_SECRET)")
        read = await self._read(request)
        check_signature(request, read, secret)
        await self._take(read, partial(formats.read, _FORMAT))
        return Success()

    async def _read(self, request: Request) -> bytes:
        return await body.read(request, self.at_hand.settings.web.max_body_bytes)

    async def _take(self, read: bytes, reading: Reading) -> Accepted:
        try:
            accepted = await run_in_threadpool(self._accept, read, reading)
        except (UnreadableError, StoreError) as error:
            raise refusal(error) from error
        self.ring(accepted.due)
        return accepted

    def _accept(self, read: bytes, reading: Reading) -> Accepted:
        return intake.accept(self.at_hand.store, self.at_hand.syncs, reading(read))


def authorize_library(request: Request, token: SecretStr | None) -> None:
    """Lets a request pass that shows the token as the user name of HTTP Basic, or as a bearer token.

    Raises HTTPException 401 or 503.
    """
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if token is None or scheme.lower() != "basic":
        body.authorize(request, token)
        return
    write_key = b64encode(f"{token.get_secret_value()}:".encode())
    if not hmac.compare_digest(given.strip().encode(), write_key):
        raise HTTPException(401, "give the token as write key: the user name, with no password", _CHALLENGE)


def check_signature(request: Request, read: bytes, secret: SecretStr) -> None:
    """Lets a request pass whose `X-Signature` was made of this body with the secret. Raises HTTPException 401.

    SHA-1 is what such senders sign with; as an HMAC it still holds.
    """
    given = request.headers.get("x-signature", "").strip().lower()
    expected = hmac.digest(secret.get_secret_value().encode(), read, "sha1").hex()
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(401, "X-Signature is not the HMAC-SHA1 of this body with the shared secret, in hex")


def _typed(type: Type, read: bytes) -> list[Message]:
    return formats.parse(_FORMAT, segment_spec.typed(formats.decode(read), type))
