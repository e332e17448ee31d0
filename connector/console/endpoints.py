"""Adds the addresses of the console to the application of the doors."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_Endpoint = Callable[[Request], Awaitable[Response]]


def answer(app: FastAPI, path: str, method: str, endpoint: _Endpoint) -> None:
    """Makes the application answer the requests of one method for an address by this endpoint.

    FastAPI's own way would inspect the signature of each endpoint for parameters. There are none here, and many
    addresses: with it, opening the console took four times as long.

    Args:
        app: The application.
        path: The address, with {name} for a variable part.
        method: GET or POST. No other is answered, although Starlette would add HEAD to GET.
        endpoint: The function that answers.
    """
    route = Route(path, endpoint, methods=[method], include_in_schema=False)
    route.methods = {method}
    app.router.routes.append(route)
