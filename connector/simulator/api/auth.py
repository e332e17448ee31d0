"""Credentials: Basic for the Track API, Bearer for the App API (docs/customerio.md#credentials)."""

import base64
import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.simulator.api import answers
from connector.simulator.state.simulator import Simulator

Handler = Callable[[Request], Awaitable[Response]]


def basic(endpoint: Handler, simulator: Simulator) -> Handler:
    """Returns the endpoint, for those who have the site id and the API key."""

    async def guarded(request: Request) -> Response:
        options = simulator.options
        wanted = base64.b64encode(f"{options.site_id}:{options.api_key}".encode()).decode()
        if not _presents(request, "basic", wanted):
            return answers.unauthorized()
        return await endpoint(request)

    return guarded


def is_bearer(request: Request, simulator: Simulator) -> bool:
    """Says whether the call carries the App API key."""
    return _presents(request, "bearer", simulator.options.app_api_key)


def guarded(route: Route, simulator: Simulator) -> Route:
    """Returns the route, behind Basic credentials."""
    return Route(route.path, basic(route.endpoint, simulator), methods=sorted(route.methods or ()))


def _presents(request: Request, scheme: str, wanted: str) -> bool:
    given, _, credentials = request.headers.get("authorization", "").partition(" ")
    return given.lower() == scheme and hmac.compare_digest(credentials.strip().encode(), wanted.encode())
