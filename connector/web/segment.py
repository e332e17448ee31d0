"""The doors for calls of the Segment spec: POST /v1/segment, the paths that analytics libraries call, and a webhook.

Libraries call `/v1/track` or `/v1/t`, and some ignore a path in the host that they are set up with. So each call is
served below /v1/segment, /v1/segment/v1 and /v1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.responses import JSONResponse

from connector import formats
from connector.errors import StoreError, UnreadableError
from connector.formats import size
from connector.formats.segment import spec
from connector.intake.accept import TakenIn
from connector.model.change import Message
from connector.web import answers, openapi
from connector.web.answers import Success, Taken
from connector.web.doors import BEARER
from connector.web.intake import BodyFormat, Check, Intake
from connector.web.segment_signature import check_signature

_FORMAT = "segment"
_METRICS = "m"
"""The type by which a library reports its own metrics, which are accepted and ignored."""
_MOST_UNKNOWN_BYTES = 500_000
"""The most bytes of a body whose headers show no token: browser libraries send no more at once."""
TYPES: Mapping[str, str] = {
    "identify": "identify",
    "track": "track",
    "page": "page",
    "screen": "screen",
    "group": "group",
    "alias": "alias",
    "delete": "delete",
    "batch": "batch",
    "import": "batch",
    "i": "identify",
    "t": "track",
    "p": "page",
    "s": "screen",
    "g": "group",
    "a": "alias",
    "b": "batch",
}
"""The type of a call that does not name its own, by the last part of the path."""
_KNOWN = (*TYPES, _METRICS)
Type = Annotated[str, Path(json_schema_extra={"enum": list(_KNOWN)})]


@dataclass(frozen=True, slots=True)
class SegmentDoors:
    """The doors for calls of the Segment spec."""

    intake: Intake

    def router(self) -> APIRouter:
        """Returns a router with all routes. That of the webhook stands before `{type}`, which would match it too."""
        router = APIRouter(responses=openapi.REFUSALS)
        documented: dict[str, Any] = {"dependencies": [Depends(BEARER)]}
        body, lines = openapi.accepting("SegmentBody"), openapi.accepting("SegmentBody", "application/x-ndjson")
        router.post("/v1/segment", response_model=Taken, openapi_extra=lines, **documented)(self.calls)
        signed = openapi.signed(body)
        router.post("/v1/segment/webhook", response_model=Success, openapi_extra=signed)(self.webhook)
        plain = openapi.accepting("SegmentBody", "text/plain")
        for path in ("/v1/segment/v1/{type}", "/v1/segment/{type}", "/v1/{type}"):
            router.post(path, response_model=Success, openapi_extra=plain, **documented)(self.library)
        return router

    async def calls(self, request: Request) -> JSONResponse:
        """Takes in calls of the Segment spec: one, a batch, a list of either, or NDJSON."""
        sender = self.intake.keys.authorize(request)
        return JSONResponse(answers.taken(await self._take(request, sender, partial(formats.read, _FORMAT))))

    async def library(self, request: Request, type: Type) -> JSONResponse:
        """Takes in what an analytics library sends. The path gives the type of a call that does not say its own.

        The library shows the token as its write key (the user name of HTTP Basic, with an empty password), as a bearer
        token, in the header X-Write-Key, or, if no header shows one, as `writeKey` in the body.
        """
        if type not in _KNOWN:
            raise HTTPException(404, f"there is no such door; calls go to one of {', '.join(_KNOWN)}")
        sender = self.intake.keys.authorize_library(request)
        if type == _METRICS:
            return JSONResponse({"success": True})
        if sender is None:
            read, most = partial(self._read_authorized_by_body, request, TYPES[type]), _MOST_UNKNOWN_BYTES
            return JSONResponse(answers.success(await self._take(request, "", read, most=most)))
        return JSONResponse(answers.success(await self._take(request, sender, partial(_typed, TYPES[type]))))

    async def webhook(self, request: Request) -> JSONResponse:
        """Takes in calls whose raw body is signed: `X-Signature` is its HMAC-SHA1 in hex."""
        secret = self.intake.runtime.settings.web.segment_secret
        if secret is None:
            raise HTTPException(503, "this door is closed: no secret is set (CONNECTOR__WEB__SEGMENT_SECRET)")
        check = partial(check_signature, request, secret=secret)
        return JSONResponse(answers.success(await self._take(request, "", partial(formats.read, _FORMAT), check)))

    async def _take(
        self, request: Request, sender: str, read: BodyFormat, check: Check | None = None, most: int | None = None
    ) -> TakenIn:
        try:
            return await self.intake.take_as(request, sender, read, check, most)
        except (UnreadableError, StoreError) as error:
            raise answers.refusal(error) from error

    def _read_authorized_by_body(self, request: Request, type: str, body: bytes) -> list[Message]:
        """Returns the messages of a body that shows its sender's token only as `writeKey` within.

        Raises HTTPException 401 where it shows none, also where it cannot be read.
        """
        try:
            decoded = _decoded(body)
        except UnreadableError:
            decoded = None
        self.intake.keys.authorize_body(request, decoded)
        return _read(type, decoded)


def _typed(type: str, body: bytes) -> list[Message]:
    return _read(type, _decoded(body))


def _decoded(body: bytes) -> object:
    size.check_values(body)
    return formats.decode(body)


def _read(type: str, decoded: object) -> list[Message]:
    return formats.parse(_FORMAT, spec.typed(decoded, type))
