"""Removes needless slashes from the paths of requests: a host or a URL is often set up with one too many."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile("/{2,}")


class TidyPath:
    """The ASGI middleware that leads a POST to `//v1/batch` or `/v1/changes/` to the door without these slashes.

    Other requests keep their path: that of a GET may have such slashes in the id of the person that it asks for.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Takes the application that stands behind it."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands one request on to the application, the path of a POST without its needless slashes."""
        path = scope.get("path", "")
        if scope.get("method") == "POST" and (path.endswith("/") or "//" in path):
            tidy = _SLASHES.sub("/", path).rstrip("/")
            scope = {**scope, "path": tidy, "raw_path": tidy.encode()}
        await self._app(scope, receive, send)
