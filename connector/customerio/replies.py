"""Replies as values: a broken or silent connection is one too (httpx stays behind this wall)."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from time import time

import httpx

from connector import outcome
from connector.outcome import Reply


def reply(ask: Callable[[], httpx.Response], most_bytes: int) -> Reply:
    """What came back, cut behind `most_bytes`; status 0 where nothing did, `reached` where it may be applied."""
    try:
        response = ask()
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Reply(0, fault=wording(error, "could not reach"), reached=False)
    except httpx.RequestError as error:
        return Reply(0, fault=wording(error, "no answer from"))
    return Reply(response.status_code, response.content[:most_bytes], _retry_after(response))


def wording(error: httpx.RequestError, what: str) -> str:
    """What went wrong, as one line that names the host."""
    try:
        host = error.request.url.host
    except RuntimeError:
        host = "Customer.io"
    words = str(error) or type(error).__name__
    return f"{what} {host}: {words[:200]}"


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after")
    if value is None:
        return None
    try:
        date = parsedate_to_datetime(value).timestamp()
    except ValueError:
        date = None
    return outcome.retry_after(value, time(), date)
