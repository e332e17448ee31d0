"""Builds the web application: the doors, health, their description as OpenAPI, and the page at /docs."""

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.telemetry import TelemetryConfig
from starlette.concurrency import run_in_threadpool

from connector import __version__
from connector.broker.doorbell import Ring
from connector.errors import StoreError
from connector.runtime import Runtime
from connector.store import permissions
from connector.web import answers, docs_page, openapi
from connector.web.auth import Keyring
from connector.web.bodies import BodyReader
from connector.web.doors import Doors
from connector.web.intake import Intake
from connector.web.limits import Limits
from connector.web.metrics import Metrics
from connector.web.paths import TidyPath
from connector.web.profiles import ProfileDoor
from connector.web.protocol import DoorsConfig
from connector.web.refusals import Refusals
from connector.web.segment import SegmentDoors
from connector.web.webhooks import WebhookDoor

_LIMITS = Limits()
_PREFLIGHT_SECONDS = 600
_NO_TELEMETRY: TelemetryConfig = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
"""FastAPI's own telemetry is off: it would report the path of each request, which names a person at some doors."""
_HEADERS = ("Authorization", "Content-Type", "Content-Encoding", "X-Write-Key", "AnonymousId")


def served(app: FastAPI, connections: int = 0) -> DoorsConfig:
    """Returns the configuration by which uvicorn serves the application.

    `connections` is how many may be open at once; 0 for as many as the open files of the process allow.
    """
    return DoorsConfig(app, app.state.limits, app.state.refusals, connections)


def create_app(
    runtime: Runtime, ring: Ring, limits: Limits = _LIMITS, works: Callable[[], bool] = lambda: True
) -> FastAPI:
    """Creates the application over what the process has open.

    Args:
        runtime: What the process has open.
        ring: Called with the syncs that may have something due.
        limits: The bounds for connections and bodies.
        works: Returns whether the other work of this process goes on: the worker of embedded mode.

    Returns:
        The application, with all doors, health and the page at /docs.
    """
    app = FastAPI(
        title="Audience Sync Connector",
        version=__version__,
        summary="Upstream says what changed about a user; Customer.io comes to hold it.",
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
    )
    web, refusals = runtime.settings.web, Refusals()
    bodies = BodyReader(web.max_body_bytes, limits, refusals)
    intake = Intake(runtime, ring, bodies, Keyring.of(web), runtime.tracer)
    app.state.limits, app.state.refusals = limits, refusals
    answers.say_refusals(app, refusals)
    _add_health(app, runtime, works)
    app.include_router(Doors(intake).router())
    app.include_router(SegmentDoors(intake).router())
    app.include_router(ProfileDoor(runtime, intake.keys).router())
    WebhookDoor(runtime, bodies).open(app)
    app.include_router(Metrics(runtime).router())
    _add_page(app)
    _let_in(app, web.cors_origins)
    app.add_middleware(TidyPath)
    return app


def _add_health(app: FastAPI, runtime: Runtime, works: Callable[[], bool]) -> None:
    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        """Says whether the process answers at all."""
        return {"status": "ok"}

    @app.get("/readyz", responses={503: {"description": "They cannot: the answer says why."}})
    async def ready() -> JSONResponse:
        """Says whether messages can be taken in: the store has tables of this version, and takes what doors write."""
        reason = await run_in_threadpool(_hindrance, runtime, works)
        return JSONResponse({"status": reason or "ok"}, 503 if reason else 200)


def _hindrance(runtime: Runtime, works: Callable[[], bool]) -> str:
    """Returns the reason why no message can be taken in, "" if they can. It names no address, as anybody may ask."""
    if not works():
        return "the worker of this process has ended: start it again"
    try:
        runtime.store.check_version()
    except StoreError:
        return "the store does not answer, or wants `connector migrate`"
    try:
        permissions.try_writing(runtime.store, permissions.OF_DOORS)
    except StoreError:
        return "the store cannot be written to"
    return ""


def _add_page(app: FastAPI) -> None:
    openapi.describe(app)

    @app.get("/docs", include_in_schema=False)
    async def shown() -> HTMLResponse:
        return HTMLResponse(docs_page.page(app.openapi()), headers={"Content-Security-Policy": docs_page.POLICY})


def _let_in(app: FastAPI, origins: tuple[str, ...]) -> None:
    """Lets the pages of these web sites (CORS origins) send messages from a browser."""
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["POST"],
            allow_headers=_HEADERS,
            expose_headers=["Retry-After"],
            max_age=_PREFLIGHT_SECONDS,
        )
