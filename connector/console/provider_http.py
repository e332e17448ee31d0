"""The HTTP client for a provider of sign-ins, bounded in time and in size: the only one in the console."""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic_core import from_json

from connector import __version__
from connector.customerio.http_deadline import Transport, within
from connector.errors import ConnectorError

_SECONDS, _MOST_BYTES = 10.0, 1_000_000


class ProviderHttp:
    """The HTTP client for a provider of sign-ins. Threads may share it."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        """Opens no connection yet. Each exchange may take so many seconds in all."""
        self._seconds = seconds
        headers = {"User-Agent": f"audience-sync-connector/{__version__}", "Accept-Encoding": "identity"}
        self._client = httpx.Client(transport=Transport(), timeout=seconds, headers=headers, follow_redirects=False)

    def get(self, url: str, token: str = "") -> dict[str, Any]:
        """Returns the JSON object at a URL, which is asked for with a bearer token if one is given.

        Raises ConnectorError where no answer comes in time, or it is not a 200 with a JSON object of 1 MB at most.
        """
        return self._asked("GET", url, headers={"Authorization": f"Bearer {token}"} if token else {})

    def post(self, url: str, form: Mapping[str, str], auth: tuple[str, str] | None) -> dict[str, Any]:
        """Returns the JSON object that answers a form. Raises ConnectorError as `get` does.

        Args:
            url: The URL that the form is posted to.
            form: The fields of the form.
            auth: The user name and password for HTTP Basic; None to send none.
        """
        return self._asked("POST", url, data=dict(form), auth=auth)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _asked(self, method: str, url: str, **how: Any) -> dict[str, Any]:
        try:
            host = httpx.URL(url).host
        except httpx.InvalidURL as error:
            raise ConnectorError(f"the provider names the address {url[:200]!r}, which is none: {error}") from error
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
    """Returns the code of an OAuth error in parentheses, as " (invalid_client)".

    Anything else gives "", as it may hold a secret.
    """
    try:
        found = from_json(body)
    except ValueError:
        return ""
    code = found.get("error") if isinstance(found, dict) else None
    return f" ({code})" if isinstance(code, str) and code.isascii() and code.replace("_", "").isalnum() else ""
