"""The simulator as an ASGI application: Track API, App API and its own pages on one port."""

import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from connector.errors import UnreadableError
from connector.simulator.api import answers, app_guard
from connector.simulator.api.app_customers import AppCustomers
from connector.simulator.api.app_exports import AppExports
from connector.simulator.api.app_segments import AppSegments
from connector.simulator.api.app_send import AppSend
from connector.simulator.api.app_workspace import AppWorkspace
from connector.simulator.api.auth import guarded
from connector.simulator.api.read_side import ReadSide
from connector.simulator.api.track_v1 import TrackV1
from connector.simulator.api.track_v1_account import TrackAccount
from connector.simulator.api.track_v2 import TrackV2
from connector.simulator.base.options import Options
from connector.simulator.server.gate import Gate, Inspect
from connector.simulator.server.webhooks import Webhooks
from connector.simulator.state.simulator import Simulator, TimeSource


def create_app(
    options: Options | None = None, clock: TimeSource = time.time, inspect: Inspect | None = None
) -> ASGIApp:
    """Returns a simulated Customer.io with these options.

    The clock decides what is late, old or visible; `inspect` finds what strict mode refuses.
    """
    simulator = Simulator(options or Options(), clock)
    account = TrackAccount(simulator)
    exports = AppExports(simulator)
    # The busiest first: routes are tried in order.
    track = [*TrackV2(simulator).routes(), *TrackV1(simulator).routes(), *account.routes()]
    app = [
        *AppCustomers(simulator).routes(),
        *AppSegments(simulator).routes(),
        *AppWorkspace(simulator).routes(),
        *exports.routes(),
    ]
    routes = [
        *(guarded(route, simulator) for route in track),
        *account.open_routes(),
        *(app_guard.guarded(route, simulator) for route in app),
        *AppSend(simulator).routes(),
        *exports.files(),
        *ReadSide(simulator).routes(),
        *Webhooks(simulator).routes(),
    ]
    site = Starlette(routes=routes, exception_handlers={UnreadableError: _unreadable})
    # A redirect is an answer the real API never gives; a path with a slash too many is simply not there.
    site.router.redirect_slashes = False
    return Gate(site, simulator, inspect)


async def _unreadable(_request: Request, error: Exception) -> Response:
    """Answers a body that cannot be read at all; v2 catches it before and answers in its own envelope."""
    return answers.single(str(error))
