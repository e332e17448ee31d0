"""Files from the web: fetched to a temporary file as a stream, bounded in size and time.

To disk and not straight into the reader: a load that keeps to a pace would hold the connection open for hours, and
Parquet is read from its end.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO
from urllib.parse import urlsplit

import httpx

from connector.customerio.http_deadline import Transport, within
from connector.errors import ConnectorError

SCHEMES = ("http", "https")
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_LONGEST_SECONDS = 3600.0
_TRIES = 4
_MOST_REDIRECTS = 5
_CHUNK = 1 << 16


class _PassingError(Exception):
    """An error that may be over in a moment: a broken connection, 429, 5xx."""


def is_url(file: str) -> bool:
    """Says whether this is a URL, of any scheme, and not the path of a file."""
    return "://" in file


def shown(url: str) -> str:
    """Returns a URL without what may be secret: user, password, parameters."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def check(url: str) -> None:
    """Raises ConnectorError where the URL is not one that can be fetched."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ConnectorError(f"{url.partition('?')[0].rpartition('@')[2]!r} is not accepted: give http:// or https://")


@contextmanager
def fetched(
    url: str,
    most_bytes: int,
    until: Callable[[], bool] = lambda: False,
    pause: Callable[[float], None] = time.sleep,
    longest_seconds: float = _LONGEST_SECONDS,
) -> Iterator[Path]:
    """Yields the path of a URL's content for as long as the block lasts. Passing errors are tried four times in all.

    Args:
        url: Where it is.
        most_bytes: The most bytes that it may have.
        until: Says when to stop before the end.
        pause: Waits for so many seconds between two tries.
        longest_seconds: The longest time that it may take.

    Raises:
        ConnectorError: It cannot be had, is too large, takes too long, or `until` said to stop.
    """
    with NamedTemporaryFile(prefix="connector-") as file:
        end = time.monotonic() + longest_seconds
        for number in range(_TRIES):
            with within(end - time.monotonic()):
                fault = _attempt(url, file, most_bytes, lambda: until() or time.monotonic() > end)
            if not fault:
                break
            pause(2.0**number if number < _TRIES - 1 else 0.0)
        else:
            raise ConnectorError(f"{shown(url)} cannot be fetched: {fault}")
        file.flush()
        yield Path(file.name)


def _attempt(url: str, file: IO[bytes], most_bytes: int, stop: Callable[[], bool]) -> str:
    """Fetches the file once. Returns an error that may be over in a moment, "" if the file is there."""
    try:
        _fetch(url, file, most_bytes, stop)
    except _PassingError as error:
        return str(error)
    return ""


def _fetch(url: str, file: IO[bytes], most_bytes: int, stop: Callable[[], bool]) -> None:
    file.seek(0)
    file.truncate()
    with httpx.Client(timeout=_TIMEOUT, follow_redirects=False, transport=Transport()) as client:
        try:
            _follow(client, url, file, most_bytes, stop)
        except httpx.InvalidURL as error:
            raise ConnectorError(f"{shown(url)} cannot be fetched: {error}") from None
        except httpx.TransportError as error:
            raise _PassingError(str(error) or type(error).__name__) from None


def _follow(client: httpx.Client, url: str, file: IO[bytes], most_bytes: int, stop: Callable[[], bool]) -> None:
    """Follows up to five redirects and saves the answer; refuses one from https to http, and a circle."""
    here, been = url, {url}
    for _ in range(_MOST_REDIRECTS + 1):
        with client.stream("GET", here) as response:
            if not response.has_redirect_location:
                _save(response, url, file, most_bytes, stop)
                return
            following = str(response.url.join(response.headers["location"]))
        _allow(url, here, following)
        if following in been:
            break
        been.add(following)
        here = following
    raise ConnectorError(f"{shown(url)} cannot be fetched: it redirects in a circle, or more than five times")


def _allow(url: str, here: str, following: str) -> None:
    scheme = urlsplit(following).scheme
    if scheme not in SCHEMES or (urlsplit(here).scheme == "https" and scheme != "https"):
        raise ConnectorError(f"{shown(url)} cannot be fetched: it redirects to {scheme!r}, which is not followed")


def _save(response: httpx.Response, url: str, file: IO[bytes], most_bytes: int, stop: Callable[[], bool]) -> None:
    if response.status_code == 429 or response.status_code >= 500:
        raise _PassingError(f"it answered {response.status_code}")
    if response.status_code != 200:
        raise ConnectorError(f"{shown(url)} cannot be fetched: it answered {response.status_code}")
    if "," in response.headers.get("content-encoding", ""):  # packed more than once: a few bytes may be terabytes
        raise ConnectorError(f"{shown(url)} cannot be fetched: it is packed more than once")
    size = 0
    for chunk in response.iter_bytes(_CHUNK):
        size += len(chunk)
        if size > most_bytes:
            raise ConnectorError(f"{shown(url)} is larger than [rows] max_file_bytes, {most_bytes:,} bytes")
        if stop():
            raise ConnectorError(f"{shown(url)} could not be fetched in time")
        file.write(chunk)
