"""Sends requests to one host of Customer.io. Replies are values, and so are broken or silent connections.

Every exchange is bounded in time (`bounded`) and its reply in size, while it is read. Nothing compressed is asked for:
what some bytes unpack to has no bound.
"""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from time import time

import httpx

from connector import __version__
from connector.customerio import backoff
from connector.customerio.http_deadline import Transport, within
from connector.customerio.responses import Reply

_NOT_REACHED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Client:
    """One host, with the credentials for it. Threads may share it."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float,
        most_bytes: int,
        auth: httpx.BasicAuth | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Opens no connection yet.

        Args:
            base_url: what all paths stand below.
            timeout: seconds for a whole exchange.
            most_bytes: the most bytes of a reply's body that are read.
            auth: the credentials, if they are not in the headers.
            headers: sent with every request.
            transport: another way out than the network, for tests.
        """
        self.base_url = base_url
        self._timeout = timeout
        self._most_bytes = most_bytes
        self._client = httpx.Client(
            base_url=base_url,
            auth=auth,
            timeout=timeout,
            transport=transport or Transport(),
            headers={
                "User-Agent": f"audience-sync-connector/{__version__}",
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
                **(headers or {}),
            },
        )

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
        seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Sends a request, and returns what came back.

        Args:
            method: GET, POST or PUT.
            path: below the base URL, or a whole URL.
            body: JSON.
            params: the parameters of the query.
            seconds: for the whole exchange, if that is less than usual.
            headers: sent with this request.

        Returns:
            The reply; status 0 if none came in time, with `reached` if the request may be applied nevertheless.
        """
        limit = self._timeout if seconds is None else min(seconds, self._timeout)
        try:
            stream = self._client.stream(method, path, content=body, params=params, headers=headers)
            with within(limit), stream as response:
                return _reply(response, self._most_bytes)
        except _NOT_REACHED as error:
            return Reply(0, fault=_wording(error, "could not reach"), reached=False)
        except httpx.RequestError as error:
            return Reply(0, fault=_wording(error, "no answer from"))

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def _reply(response: httpx.Response, most_bytes: int) -> Reply:
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > most_bytes:
            break
    packed = response.headers.get("content-encoding", "identity").lower() != "identity"
    date = _date(response.headers.get("date", ""))
    whole = len(body) <= most_bytes and not packed
    return Reply(response.status_code, bytes(body[:most_bytes]), _retry_after(response), whole=whole, date=date)


def _wording(error: httpx.RequestError, what: str) -> str:
    """Returns what went wrong, as one line that names the host."""
    try:
        host = error.request.url.host
    except RuntimeError:
        host = "Customer.io"
    words = str(error) or type(error).__name__
    return f"{what} {host}: {words[:200]}"


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after")
    return None if value is None else backoff.retry_after(value, time(), _date(value))


def _date(value: str) -> float | None:
    """Returns unix seconds of a date as HTTP writes it; None for what is none, or of no year that a clock can have."""
    try:
        found = parsedate_to_datetime(value)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
