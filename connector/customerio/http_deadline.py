"""Bounds every HTTP exchange in time: connecting, sending and reading together, not each read by itself.

httpx bounds single reads, so a server that sends one byte a second is never too late for it. Here each operation on the
socket gets what is left of the time for the whole exchange.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from ssl import SSLContext
from time import monotonic
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from connector import resolver

_SEND_BYTES = 65_536
_CONNECTIONS = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 5.0}
_exchange = threading.local()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bounds what this thread sends and receives in the block through a `Transport`."""
    before = getattr(_exchange, "ends_at", None)
    _exchange.ends_at = monotonic() + seconds
    try:
        yield
    finally:
        _exchange.ends_at = before


class Transport(httpx.BaseTransport):
    """httpx's own transport, with a bound for whole exchanges. Proxies come from the environment, as httpx has them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, str], httpcore.ConnectionPool] = {}
        self._proxies: dict[tuple[str, str], str] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; the caller reads the body of the response. Raises httpx.RequestError."""
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        asked = httpcore.Request(
            request.method,
            target,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx():
            answer = self._pool(url).handle_request(asked)
        stream = _Body(answer.stream)
        return httpx.Response(answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions)

    def close(self) -> None:
        """Closes the connections."""
        for pool in self._pools.values():
            pool.close()

    def _pool(self, url: httpx.URL) -> httpcore.ConnectionPool:
        place = (url.scheme, url.host)
        with self._lock:
            proxy = self._proxies.get(place)
            if proxy is None:  # looked up once: reading the environment costs a third of a small request
                proxy = self._proxies[place] = _proxy(url)
            way = (url.scheme, proxy)
            if way not in self._pools:
                self._pools[way] = self._opened(*way)
            return self._pools[way]

    def _opened(self, scheme: str, proxy: str) -> httpcore.ConnectionPool:
        trusted = _authorities() if scheme == "https" else None
        shared: dict[str, Any] = {"ssl_context": trusted, "network_backend": _Network(), **_CONNECTIONS}
        if not proxy:
            return httpcore.ConnectionPool(**shared)
        parts = httpx.URL(proxy if "://" in proxy else f"http://{proxy}")
        auth = (parts.username, parts.password) if parts.username else None
        plain = str(parts.copy_with(username=None, password=None))
        return httpcore.HTTPProxy(plain, proxy_auth=auth, **shared)


@cache
def _authorities() -> SSLContext:
    """Returns the authorities that this process trusts. To read them takes longer than a request: it is done once."""
    return httpx.create_ssl_context()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._stream

    def close(self) -> None:
        self._stream.close()


class _Network(httpcore.NetworkBackend):
    """Sockets whose operations end with the exchange."""

    _sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connects to the first of the host's addresses that answers in time."""
        fault: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in _addresses(host, port, _left(timeout, httpcore.ConnectTimeout)):
            left = _left(timeout, httpcore.ConnectTimeout)
            try:
                found = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
            else:
                return _Stream(found)
        raise fault


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _SEND_BYTES):
            self._inner.write(buffer[start : start + _SEND_BYTES], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    """Returns the seconds for one operation: its own time-out, or what is left of the exchange.

    Raises `late` after the end of the exchange.
    """
    ends_at = getattr(_exchange, "ends_at", None)
    if ends_at is None:
        return timeout
    left = ends_at - monotonic()
    if left <= 0:
        raise late("the answer took too long")
    return float(left) if timeout is None else min(timeout, left)


def _addresses(host: str, port: int, seconds: float | None) -> list[str]:
    try:
        return resolver.addresses(host, port, seconds)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(str(error)) from None
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error


def _proxy(url: httpx.URL) -> str:
    """Returns the proxy that the environment names for a URL; "" for none."""
    if proxy_bypass(url.host):
        return ""
    proxies = getproxies()
    return proxies.get(url.scheme, proxies.get("all", ""))


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Raises the errors of httpcore as those of httpx, which have the same names."""
    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
    except httpcore.UnsupportedProtocol as error:
        raise httpx.UnsupportedProtocol(str(error)) from error
