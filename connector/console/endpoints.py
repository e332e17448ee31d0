"""Has the application of the doors answer the addresses of the console."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_Endpoint = Callable[[Request], Awaitable[Response]]


def answer(app: FastAPI, path: str, method: str, endpoint: _Endpoint) -> None:
    """Has the application answer an address with this endpoint.

    FastAPI's own way would look for what the endpoint declares. It declares nothing, and there are many addresses: to
    open the console took four times as long.

    Args:
        app: The application.
        path: The address, with {name} for a variable part.
        method: GET or POST, and no other; Starlette alone would take HEAD for a GET.
        endpoint: What answers.
    """
    route = Route(path, endpoint, methods=[method], include_in_schema=False)
    route.methods = {method}
    app.router.routes.append(route)
