"""Serves the console beside the doors: its pages, and the ways to sign in."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from connector.console.answering import Console
from connector.console.page import Desk
from connector.console.pages import routes
from connector.console.reading import reading_runtime
from connector.console.sessions import Sessions
from connector.console.sign_in import SignIn
from connector.runtime import Runtime

_STATIC = Path(__file__).parent / "static"


@contextmanager
def console_at(app: FastAPI, runtime: Runtime) -> Iterator[None]:
    """Has the application of the doors serve the console too, unless it is switched off, until the block ends."""
    settings = runtime.settings.console
    if not settings.enabled:
        yield
        return
    with reading_runtime(runtime) as reads:
        console = Console(Desk(runtime, reads), Sessions(settings), anyio.CapacityLimiter(settings.pages_at_once))
        app.mount("/static", StaticFiles(directory=_STATIC), name="static")
        SignIn(console).open(app)
        for each in routes():
            app.add_api_route(
                each.path, console.endpoint(each), methods=[each.method], include_in_schema=False, response_model=None
            )
        yield
