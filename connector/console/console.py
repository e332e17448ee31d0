"""Serves the console beside the doors: its pages, and the ways to sign in."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import anyio
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from connector.console import browser_refusals, endpoints, rendering
from connector.console.answering import Console
from connector.console.oidc import Provider
from connector.console.oidc_sign_in import OidcSignIn
from connector.console.page import Desk
from connector.console.page_store import acting_runtime, reading_runtime
from connector.console.pages import routes
from connector.console.provider_http import ProviderHttp
from connector.console.sessions import Sessions
from connector.console.shared_reads import SharedReads
from connector.console.sign_in import SignIn
from connector.console.thread_limit import Turns
from connector.runtime import Runtime

_STATIC = Path(__file__).parent / "static"


@contextmanager
def console_at(app: FastAPI, runtime: Runtime) -> Iterator[None]:
    """Makes the application of the doors serve the console too while the block runs, unless it is switched off.

    At the end of the block the connections of the console are closed. Raises SettingsError where a way to sign in needs
    an extra that is not installed.
    """
    settings = runtime.settings.console
    if not settings.enabled:
        yield
        return
    rendering.compiled_aside()
    with reading_runtime(runtime) as reads, ExitStack() as stack:
        pages, acts = (Turns(settings.pages_at_once) for _ in range(2))
        writers = anyio.CapacityLimiter(settings.pages_at_once)
        desk = Desk(acting_runtime(runtime), reads, shared=SharedReads(settings.shared_seconds))
        console = Console(desk, Sessions(settings), pages, acts, writers)
        browser_refusals.open_at(app, console)
        app.mount("/static", StaticFiles(directory=_STATIC), name="static")
        stack.enter_context(_signing_in(app, console))
        for each in routes():
            endpoints.answer(app, each.path, each.method, console.endpoint(each))
        yield


@contextmanager
def _signing_in(app: FastAPI, console: Console) -> Iterator[None]:
    """Adds the ways to sign in to the application. Raises SettingsError where the extra for one is not installed."""
    oidc = console.desk.settings.console.oidc
    sign_in = SignIn(console, urlsplit(oidc.issuer).hostname or "")
    sign_in.open(app)
    if not oidc.issuer:
        yield
        return
    with closing(Provider(oidc, ProviderHttp())) as provider:
        OidcSignIn(console, sign_in, provider).open(app)
        yield
