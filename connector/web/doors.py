"""The doors: POST /v1/changes, /v1/hull and /v1/lytics. Answered only once what came in is committed."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from connector import formats, intake
from connector.runtime import AtHand
from connector.doorbell import Ring
from connector.errors import StoreError, UnreadableError
from connector.intake import Accepted
from connector.web import body

_RETRY_SECONDS = "5"
BEARER = HTTPBearer(auto_error=False, description="The token of [web] token.")  # says so in OpenAPI; `body` checks it

# What Hull's platform is to do next (reference: hull-behaviour, 9.1).
_NEXT = {"flow_control": {"type": "next", "size": 100, "in": 1, "in_time": 1}}
_RETRY = {"flow_control": {"type": "retry", "size": 10, "in": 1000, "in_time": 10}}


class Taken(BaseModel):
    """What became of a body: how many messages were taken in, and how many are kept as problems, unreadable."""

    changes: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class Doors:
    """The doors over what the process has open; `ring` says which syncs may have something due."""

    at_hand: AtHand
    ring: Ring

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(dependencies=[Depends(BEARER)])
        router.post("/v1/changes", response_model=Taken, openapi_extra=accepting("application/x-ndjson"))(self.changes)
        router.post("/v1/hull", openapi_extra=accepting())(self.hull)
        router.post("/v1/lytics", response_model=Taken, openapi_extra=accepting())(self.lytics)
        return router

    async def changes(self, request: Request) -> Any:
        """Takes in native messages: one object, a list, or NDJSON."""
        return await self._answered(request, "native")

    async def lytics(self, request: Request) -> Any:
        """Takes in Lytics' audience triggers: one message, or a list of them."""
        return await self._answered(request, "lytics")

    async def _answered(self, request: Request, format: str) -> Any:
        try:
            accepted = await self._take(request, format)
        except (UnreadableError, StoreError) as error:
            raise refusal(error) from error
        return Taken(changes=accepted.changes, unreadable=accepted.unreadable)

    async def hull(self, request: Request) -> JSONResponse:
        """Takes in a Hull notification, and answers with the flow control that Hull's platform expects."""
        try:
            await self._take(request, "hull")
        except UnreadableError as error:
            return JSONResponse({**_RETRY, "error": str(error)}, 400)
        except StoreError:
            return JSONResponse(_RETRY, 503, {"Retry-After": _RETRY_SECONDS})
        return JSONResponse(_NEXT)

    async def _take(self, request: Request, format: str) -> Accepted:
        web = self.at_hand.settings.web
        body.authorize(request, web.token)
        read = await body.read(request, web.max_body_bytes)
        accepted = await run_in_threadpool(self._accept, format, read)
        self.ring(accepted.due)
        return accepted

    def _accept(self, format: str, read: bytes) -> Accepted:
        return intake.accept(self.at_hand.store, self.at_hand.syncs, formats.read(format, read))


def refusal(error: UnreadableError | StoreError) -> HTTPException:
    """What a sender is told whose body was not taken in: what is wrong with it, or to send it again."""
    if isinstance(error, UnreadableError):
        return HTTPException(400, str(error))
    reason = "the store cannot take it now: send it again"
    return HTTPException(503, reason, {"Retry-After": _RETRY_SECONDS})


def accepting(*more_types: str) -> dict[str, Any]:
    """What OpenAPI says of a body that is read as it came: JSON, and these types."""
    content: dict[str, Any] = {name: {"schema": {}} for name in ("application/json", *more_types)}
    return {"requestBody": {"required": True, "content": content}}
