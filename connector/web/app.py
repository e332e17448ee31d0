"""The web application: POST /v1/changes and /v1/hull, health, and OpenAPI at /docs."""

from collections.abc import Callable, Iterable
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from connector import __version__, formats, intake
from connector.at_hand import AtHand
from connector.errors import StoreError, UnreadableError
from connector.intake import Accepted
from connector.web import body

Ring = Callable[[Iterable[str]], None]
_RETRY_SECONDS = "5"
_JSON_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}, "application/x-ndjson": {"schema": {}}}}}
_NOTIFICATION = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}

# What Hull's platform is to do next (reference: hull-behaviour, 9.1).
_NEXT = {"flow_control": {"type": "next", "size": 100, "in": 1, "in_time": 1}}
_RETRY = {"flow_control": {"type": "retry", "size": 10, "in": 1000, "in_time": 10}}


class Taken(BaseModel):
    """What became of a body: how many messages were taken in, and how many could not be read and are kept as problems."""

    changes: int
    unreadable: int


def create_app(at_hand: AtHand, ring: Ring) -> FastAPI:
    """The application over what the process has open; `ring` says which syncs may have something due."""
    app = FastAPI(
        title="Audience Sync Connector",
        version=__version__,
        summary="Upstream says what changed about a user; Customer.io comes to hold it.",
    )
    web = at_hand.settings.web

    async def take(request: Request, format: str) -> Accepted:
        body.authorize(request, web.token)
        read = await body.read(request, web.max_body_bytes)
        accepted = await run_in_threadpool(_take, at_hand, format, read)
        ring(accepted.due)
        return accepted

    @app.post("/v1/changes", response_model=Taken, openapi_extra=_JSON_BODY)
    async def changes(request: Request) -> Any:
        """Takes in native messages: one object, a list, or NDJSON. Answered only once they are committed."""
        try:
            accepted = await take(request, "native")
        except UnreadableError as error:
            raise HTTPException(400, str(error)) from error
        except StoreError as error:
            raise HTTPException(503, "the store cannot take it now: send it again", {"Retry-After": _RETRY_SECONDS}) from error
        return Taken(changes=accepted.changes, unreadable=accepted.unreadable)

    @app.post("/v1/hull", openapi_extra=_NOTIFICATION)
    async def hull(request: Request) -> JSONResponse:
        """Takes in a Hull notification, and answers with the flow control that Hull's platform expects."""
        try:
            await take(request, "hull")
        except UnreadableError as error:
            return JSONResponse({**_RETRY, "error": str(error)}, 400)
        except StoreError:
            return JSONResponse(_RETRY, 503, {"Retry-After": _RETRY_SECONDS})
        return JSONResponse(_NEXT)

    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        """Whether the process answers at all."""
        return {"status": "ok"}

    @app.get("/readyz")
    async def ready() -> JSONResponse:
        """Whether messages can be taken in: the store answers, with tables of this version."""
        try:
            await run_in_threadpool(at_hand.store.check_version)
        except StoreError:
            return JSONResponse({"status": "the store does not answer, or wants `connector migrate`"}, 503)
        return JSONResponse({"status": "ok"})

    return app


def _take(at_hand: AtHand, format: str, read: bytes) -> Accepted:
    return intake.accept(at_hand.store, at_hand.syncs, formats.read(format, read))
