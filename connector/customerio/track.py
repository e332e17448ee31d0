"""Sends requests to the Track API, and says what came back without judging it (docs/customerio.md)."""

from types import TracebackType
from typing import Self

import httpx

from connector.customerio import http
from connector.customerio.credentials import fingerprint
from connector.customerio.operations.operation import Endpoint
from connector.customerio.responses import Reply
from connector.settings.connection import Connection

_PATHS: dict[Endpoint, str] = {"batch": "/api/v2/batch", "v1_event": "/api/v1/events"}
_REGION = "/api/v1/accounts/region"
_REPLY_BYTES = 10_000_000
"""A 207 that refuses several attributes of each item of the largest batch stays below this."""


def path_of(endpoint: Endpoint) -> str:
    """Returns the path of an endpoint, as requests and the log of them name it."""
    return _PATHS.get(endpoint) or f"/api/v1/{endpoint}"


class Track:
    """One workspace's Track API. Threads may share it."""

    def __init__(self, connection: Connection, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        """Opens no connection yet. `timeout`: seconds for a whole exchange. The secrets must be set."""
        site_id = connection.site_id.get_secret_value() if connection.site_id else ""
        api_key = connection.api_key.get_secret_value() if connection.api_key else ""
        self.credentials = fingerprint(connection)
        self._client = http.Client(
            connection.track_base,
            timeout=timeout,
            most_bytes=_REPLY_BYTES,
            auth=httpx.BasicAuth(site_id, api_key),
            transport=transport,
        )

    def send(self, endpoint: Endpoint, body: bytes, seconds: float | None = None) -> Reply:
        """Posts a body. seconds: the time for the whole exchange, if that is less than usual.

        A broken or silent connection is a reply too: status 0, and `reached` if it may have been applied.
        """
        return self._client.ask("POST", path_of(endpoint), body, seconds=seconds)

    def region(self) -> Reply:
        """Asks to which workspace the credentials belong. This changes nothing, so it shows whether they are good."""
        return self._client.ask("GET", _REGION)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        """Returns the client itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes the connections."""
        self.close()
