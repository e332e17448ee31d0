"""The doors POST /v1/changes, /v1/hull and /v1/lytics. They answer only once the body's messages are committed."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer

from connector.errors import StoreError, UnreadableError
from connector.web import answers, openapi
from connector.web.answers import RETRY_SECONDS, Taken
from connector.web.intake import Intake

BEARER = HTTPBearer(auto_error=False, description="A token of the settings: [web] token or tokens.")
"""The bearer token, as OpenAPI describes it; `Keyring` checks it."""

# The flow control that tells Hull's platform what to do next (docs/messages.md).
_NEXT = {"flow_control": {"type": "next", "size": 100, "in": 1, "in_time": 1}}
_RETRY = {"flow_control": {"type": "retry", "size": 10, "in": 1000, "in_time": 10}}


@dataclass(frozen=True, slots=True)
class Doors:
    """The doors for messages, each of one format."""

    intake: Intake

    def router(self) -> APIRouter:
        """Returns a router with the routes of the three doors."""
        router = APIRouter(dependencies=[Depends(BEARER)], responses=openapi.REFUSALS)
        native = openapi.accepting("NativeBody", "application/x-ndjson")
        router.post("/v1/changes", response_model=Taken, openapi_extra=native)(self.changes)
        hull = openapi.accepting("HullBody")
        router.post("/v1/hull", responses=openapi.HULL_ANSWERS, openapi_extra=hull)(self.hull)
        lytics = openapi.accepting("LyticsBody")
        router.post("/v1/lytics", response_model=Taken, openapi_extra=lytics)(self.lytics)
        return router

    async def changes(self, request: Request) -> JSONResponse:
        """Takes in native messages: one object, a list, or NDJSON."""
        return await self._answered(request, "native")

    async def lytics(self, request: Request) -> JSONResponse:
        """Takes in Lytics' audience triggers: one message, or a list of them."""
        return await self._answered(request, "lytics")

    async def _answered(self, request: Request, format: str) -> JSONResponse:
        sender = self.intake.keys.authorize(request)
        try:
            accepted = await self.intake.take(request, sender, format)
        except (UnreadableError, StoreError) as error:
            raise answers.refusal(error) from error
        return JSONResponse(answers.taken(accepted))

    async def hull(self, request: Request) -> JSONResponse:
        """Takes in a Hull notification, and answers with the flow control that Hull's platform expects."""
        sender = self.intake.keys.authorize(request)
        try:
            await self.intake.take(request, sender, "hull")
        except (UnreadableError, StoreError) as error:
            return _hulls_refusal(error)
        return JSONResponse(_NEXT)


def _hulls_refusal(error: UnreadableError | StoreError) -> JSONResponse:
    """Returns the answer that tells Hull's platform to try again, with the reason in it for people to read."""
    refused = answers.refusal(error)
    told: dict[str, Any] = {**_RETRY, "error": str(refused.detail)}
    return JSONResponse(told, refused.status_code, {"Retry-After": RETRY_SECONDS} if refused.headers else None)
