"""The door for Customer.io's reporting webhooks: POST /webhooks/customerio/{connection}.

Customer.io sends one after another, and waits for hours after some answers (docs/customerio.md#webhooks). So whatever
is signed is kept and answered 200, whether it is of use or not. While the store does not answer it gets 503, after
which it soon tries again.
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
"""More than one, since webhooks may be kept in any order: while one batch waits for the store, the next is begun."""
_SMALL_BYTES = 20_000
_UNSIGNED = "they have no X-CIO-Signature and X-CIO-Timestamp"
_WRONG = "X-CIO-Signature was not made of their body with the key that is set"
Result = TypeVar("Result")
Name = Annotated[str, Path(description="The connection, as the settings name it.")]


class WebhookDoor:
    """The door for the webhooks of all connections; it is closed for those without a key in the settings."""

    def __init__(self, runtime: Runtime, bodies: BodyReader) -> None:
        """Takes in nothing yet. `bodies` reads bodies within the bounds that all doors share."""
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
        """Adds the door to an application that has its handlers for refusals already.

        A POST to the door's path comes to it before the application looks through its routes, which would cost as much
        as all the rest. The route is there to describe the door in OpenAPI.
        """
        described = openapi.reported()
        app.post(f"{_PATH}{{connection}}", responses=openapi.REFUSALS, openapi_extra=described)(self.post)
        refusals = {error: handler for error, handler in app.exception_handlers.items() if error is not Exception}
        door = ExceptionMiddleware(self._answer, handlers=refusals)  # other errors are answered and logged outside
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
        if not await self._watch.refused(connection, reason):  # after a 401 nothing more comes for an hour
            return answers.refusal(StoreError(reason))
        return HTTPException(401, "X-CIO-Signature is not that of this body with the webhook's signing key")

    async def _keep(self, posted: Posted) -> None:
        try:
            # If it is committed after that time, the repeat that Customer.io sends is recognized by its event_id.
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._group.add(posted)
        except (TimeoutError, StoreError) as error:
            self._watch.unsure(posted.connection)
            raise answers.refusal(StoreError(str(error))) from error


class _ShortWay:
    """The ASGI middleware that leads webhooks to their door, and everything else to the application."""

    def __init__(self, app: ASGIApp, door: ASGIApp) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        posted = scope["type"] == "http" and scope["method"] == "POST" and scope["path"].startswith(_PATH)
        await (self._door if posted else self._app)(scope, receive, send)


def _keys(connection: Connection) -> tuple[str, ...]:
    return tuple(key.get_secret_value() for key in connection.webhook_keys)


async def _in_thread(size: int, work: Callable[[], Result]) -> Result:
    """Returns the result of work on so many bytes: done at once up to 20,000 bytes, else in a thread."""
    return work() if size <= _SMALL_BYTES else await run_in_threadpool(work)


def _unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """Returns the body unpacked. One that cannot be unpacked is returned as it is, and then becomes a problem."""
    try:
        return unpack(body, encoding, most)
    except UnreadableError:
        return body
