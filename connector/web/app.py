"""The web application: the doors, health, and OpenAPI at /docs."""

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from connector import __version__
from connector.runtime import AtHand
from connector.doorbell import Ring
from connector.errors import StoreError
from connector.web.doors import Doors
from connector.web.segment import SegmentDoors


def create_app(at_hand: AtHand, ring: Ring) -> FastAPI:
    """The application over what the process has open; `ring` says which syncs may have something due."""
    app = FastAPI(
        title="Audience Sync Connector",
        version=__version__,
        summary="Upstream says what changed about a user; Customer.io comes to hold it.",
    )
    app.include_router(Doors(at_hand, ring).router())
    app.include_router(SegmentDoors(at_hand, ring).router())

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
