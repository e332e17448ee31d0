"""Cursors for lists that are ordered by time: a moment and an id, written as a part of the address."""

from collections.abc import Iterable, Mapping
from math import isfinite
from urllib.parse import urlencode

from connector.errors import ConnectorError


def address(path: str, filters: Mapping[str, str], place: str) -> str:
    """Returns the address of a list with the filters that are not empty, from a place on; "" for its beginning."""
    query = {name: value for name, value in {**filters, "after": place}.items() if value}
    return f"{path}?{urlencode(query)}" if query else path


def cursor(at: float, id: str) -> str:
    """Returns a place in a list as text for an address; `at`: unix seconds."""
    return f"{at!r}~{id}"


def after(text: str) -> tuple[float, str] | None:
    """Returns the moment and the id that `cursor` wrote; None for "". Raises ConnectorError for no moment."""
    at, _, id = text.partition("~")
    return (seconds(at), id) if text else None


def seconds(text: str) -> float:
    """Returns the number of seconds that a text says. Raises ConnectorError for a text that is no finite number."""
    return number_of(text, "seconds")


def number_of(text: str, what: str) -> float:
    """Returns the number that a text says. Raises ConnectorError, which names `what` is counted, for no finite one."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ConnectorError(f"{text[:50]!r} is no number of {what}")
    return number


def offered(names: Iterable[str], given: str) -> list[str]:
    """Returns the names that a filter offers, with the one that it is set to, which the settings may have lost."""
    known = list(names)
    return known if not given or given in known else [*known, given]
