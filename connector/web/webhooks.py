"""Opens the door for Customer.io's reporting webhooks: POST /webhooks/customerio/{connection}.

Customer.io sends one after another, and waits for hours after some answers (docs/customerio.md#webhooks). So whatever
is signed is kept and answered 200, of use or not; while the store is away the answer is 503, which it soon tries again.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, TypeVar

from fastapi import FastAPI, HTTPException, Path, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.activity import signature, unsigned
from connector.activity.receive import Posted, receive
from connector.errors import StoreError, UnreadableError
from connector.formats.content_encoding import unpack
from connector.runtime import Runtime
from connector.settings.connection import Connection
from connector.settings.mistakes import variable
from connector.web import answers, openapi
from connector.web.bodies import BodyReader
from connector.web.group_commit import GroupCommit
from connector.web.unsigned_watch import ANSWER_SECONDS, UnsignedWatch

_PATH = "/webhooks/customerio/"
_SIGNATURE, _TIMESTAMP = "x-cio-signature", "x-cio-timestamp"
_MOST_AT_ONCE = 1000
_BATCHES_AT_ONCE = 2
"""Webhooks may come in any order. While one batch waits for the store, the next is under way."""
_SMALL_BYTES = 20_000
_UNSIGNED = "they have no X-CIO-Signature and X-CIO-Timestamp"
_WRONG = "X-CIO-Signature was not made of their body with the key that is set"
Result = TypeVar("Result")
Name = Annotated[str, Path(description="The connection, as the settings name it.")]


class WebhookDoor:
    """The door of all connections that have keys."""

    def __init__(self, runtime: Runtime, bodies: BodyReader) -> None:
        """`bodies` reads what comes within the bounds of all doors."""
        self._bodies = bodies
        self._most = runtime.settings.web.max_body_bytes
        self._keys: Mapping[str, tuple[str, ...]] = {
            name: _keys(connection) for name, connection in runtime.settings.connections.items()
        }
        self._group: GroupCommit[Posted] = GroupCommit(
            lambda batch: receive(runtime.store, batch), _MOST_AT_ONCE, _BATCHES_AT_ONCE
        )
        self._digests = {name: unsigned.digest(keys) for name, keys in self._keys.items()}
        self._watch = UnsignedWatch(runtime.store, self._digests)

    def open(self, app: FastAPI) -> None:
        """Opens the door of an application that answers refusals already.

        What goes to its path is led to it before the application looks at its routes: finding one there costs as much
        as all the rest. The route itself describes the door in OpenAPI.
        """
        described = openapi.reported()
        app.post(f"{_PATH}{{connection}}", responses=openapi.REFUSALS, openapi_extra=described)(self.post)
        refusals = {error: handler for error, handler in app.exception_handlers.items() if error is not Exception}
        door = ExceptionMiddleware(self._answer, handlers=refusals)  # what fails is answered, and logged, outside
        app.add_middleware(_ShortWay, door=door)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self.post(scope["path"].removeprefix(_PATH), Request(scope, receive))
        await answer(scope, receive, send)

    async def post(self, connection: Name, request: Request) -> JSONResponse:
        """Takes in a reporting webhook of Customer.io, whose raw body is signed. A repeat is answered as the first."""
        keys = self._keys_of(connection)
        given, timestamp = request.headers.get(_SIGNATURE, ""), request.headers.get(_TIMESTAMP, "")
        if not given or not timestamp:
            raise await self._refused(connection, _UNSIGNED)
        encoding = request.headers.get("content-encoding", "")
        async with self._bodies.read(request) as body:
            if not await _in_thread(len(body), lambda: signature.fits(keys, given, timestamp, body)):
                raise await self._refused(connection, _WRONG)
            unpacked = await _in_thread(len(body), lambda: _unpacked(body, encoding, self._most))
            fits = self._digests[connection] if self._watch.newly_fits(connection) else ""
            await self._keep(Posted(connection, unpacked, fits))
        return JSONResponse({"success": True})

    def _keys_of(self, connection: str) -> tuple[str, ...]:
        keys = self._keys.get(connection)
        if keys is None:
            raise HTTPException(404, "the settings name no such connection: mend the webhook's URL in Customer.io")
        if not keys:
            name = variable(("connections", connection, "webhook_keys"))
            raise HTTPException(503, f"this door is closed: no key is set ({name})")
        return keys

    async def _refused(self, connection: str, reason: str) -> HTTPException:
        if not await self._watch.refused(connection, reason):  # nobody would hear of it for an hour
            return answers.refusal(StoreError(reason))
        return HTTPException(401, "X-CIO-Signature is not that of this body with the webhook's signing key")

    async def _keep(self, posted: Posted) -> None:
        try:
            # What is committed after that is known by its event_id when it comes again.
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._group.add(posted)
        except (TimeoutError, StoreError) as error:
            self._watch.unsure(posted.connection)
            raise answers.refusal(StoreError(str(error))) from error


class _ShortWay:
    """Leads webhooks to their door, and everything else to the application."""

    def __init__(self, app: ASGIApp, door: ASGIApp) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        posted = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(_PATH)
        await (self._door if posted else self._app)(scope, receive, send)


def _keys(connection: Connection) -> tuple[str, ...]:
    return tuple(key.get_secret_value() for key in connection.webhook_keys)


async def _in_thread(size: int, work: Callable[[], Result]) -> Result:
    """Returns what comes of the work on so many bytes: at once if they are few, else beside what else is going on."""
    return work() if size <= _SMALL_BYTES else await run_in_threadpool(work)


def _unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """Returns the body without its compression. One that cannot be unpacked stays as it is: it becomes a problem."""
    try:
        return unpack(body, encoding, most)
    except UnreadableError:
        return body
