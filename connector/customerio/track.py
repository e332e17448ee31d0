"""The Track API: sends requests, and says what came back without judging it (reference: customerio-api, 1 and 2)."""

from hashlib import sha256
from types import TracebackType
from typing import Self

import httpx
from pydantic_core import from_json

from connector import __version__
from connector.customerio import replies
from connector.outcome import Reply
from connector.settings.schema import Connection
from connector.planning.step import Endpoint

_PATHS: dict[Endpoint, str] = {"batch": "/api/v2/batch", "v1_event": "/api/v1/events"}
_REPLY_BYTES = 2_000_000


class Track:
    """One workspace's Track API. Threads may share it."""

    def __init__(self, connection: Connection, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        """`timeout`: seconds for each of connecting, sending and receiving. The secrets must be set."""
        site_id = connection.site_id.get_secret_value() if connection.site_id else ""
        api_key = connection.api_key.get_secret_value() if connection.api_key else ""
        self.credentials = sha256(f"{connection.name}\0{site_id}\0{api_key}".encode()).hexdigest()[:12]
        self._client = httpx.Client(
            base_url=connection.track_base,
            auth=httpx.BasicAuth(site_id, api_key),
            timeout=timeout,
            transport=transport,
            headers={"User-Agent": f"audience-sync-connector/{__version__}", "Content-Type": "application/json"},
        )

    def send(self, endpoint: Endpoint, body: bytes) -> Reply:
        """Posts a body. A broken or silent connection is a reply too: status 0, `reached` where it may be applied."""
        path = _PATHS.get(endpoint) or f"/api/v1/{endpoint}"
        return replies.reply(lambda: self._client.post(path, content=body), _REPLY_BYTES)

    def region(self) -> tuple[int, dict[str, object], str]:
        """Asks which workspace the credentials belong to: status (0 where nothing answered), body, what went wrong."""
        try:
            response = self._client.get("/api/v1/accounts/region")
        except httpx.RequestError as error:
            return 0, {}, replies.wording(error, "could not reach")
        return response.status_code, _object(response.content), ""

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes the connections."""
        self.close()


def _object(body: bytes) -> dict[str, object]:
    try:
        found = from_json(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
