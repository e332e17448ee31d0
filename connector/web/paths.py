"""Reads the path of a request as its sender meant it: a host or a URL is often set up with a slash too many."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_SLASHES = re.compile("/{2,}")


class TidyPath:
    """Leads what is posted to `//v1/batch` or `/v1/changes/` to the door without these slashes.

    Only what is posted: a path that asks for somebody may have them in the id.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Stands before an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        path = scope.get("path", "")
        if scope.get("method") == "POST" and (path.endswith("/") or "//" in path):
            tidy = _SLASHES.sub("/", path).rstrip("/")
            scope = {**scope, "path": tidy, "raw_path": tidy.encode()}
        await self._app(scope, receive, send)
