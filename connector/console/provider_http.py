"""Asks a provider of sign-ins by HTTP: the only module of the console that does. Bounded in time and in size."""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic_core import from_json

from connector import __version__
from connector.customerio.http_deadline import Transport, within
from connector.errors import ConnectorError

_SECONDS, _MOST_BYTES = 10.0, 1_000_000


class ProviderHttp:
    """Opens no connection before something is asked. Threads may share it."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        headers = {"User-Agent": f"audience-sync-connector/{__version__}", "Accept-Encoding": "identity"}
        self._client = httpx.Client(transport=Transport(), timeout=seconds, headers=headers, follow_redirects=False)

    def get(self, url: str, token: str = "") -> dict[str, Any]:
        """Returns the JSON object at an address. Raises ConnectorError."""
        return self._asked("GET", url, headers={"Authorization": f"Bearer {token}"} if token else {})

    def post(self, url: str, form: Mapping[str, str], auth: tuple[str, str] | None) -> dict[str, Any]:
        """Returns the JSON object that a form is answered with. Raises ConnectorError."""
        return self._asked("POST", url, data=dict(form), auth=auth)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _asked(self, method: str, url: str, **how: Any) -> dict[str, Any]:
        host = httpx.URL(url).host
        try:
            with within(self._seconds), self._client.stream(method, url, **how) as reply:
                body = _read(reply, host)
        except httpx.RequestError as error:
            raise ConnectorError(f"the provider {host} does not answer: {error}") from error
        if reply.status_code != 200:
            raise ConnectorError(f"the provider {host} answered with {reply.status_code}{_reason(body)}")
        return _object(body, host)


def _read(reply: httpx.Response, host: str) -> bytes:
    body = bytearray()
    for chunk in reply.iter_raw():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise ConnectorError(f"the provider {host} answered with more than {_MOST_BYTES:,} bytes")
    return bytes(body)


def _object(body: bytes, host: str) -> dict[str, Any]:
    try:
        found = from_json(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ConnectorError(f"the provider {host} answered with what is no JSON object")
    return found


def _reason(body: bytes) -> str:
    """Returns the code of an OAuth error, as invalid_client; "" for anything else, which may hold what is secret."""
    try:
        found = from_json(body)
    except ValueError:
        return ""
    code = found.get("error") if isinstance(found, dict) else None
    return f" ({code})" if isinstance(code, str) and code.isascii() and code.replace("_", "").isalnum() else ""
