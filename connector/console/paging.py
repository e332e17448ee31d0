"""Cursors for lists that are ordered by time: a moment and an id, written as a part of the address."""

from collections.abc import Iterable, Mapping
from math import isfinite
from urllib.parse import urlencode

from connector.errors import ConnectorError


def address(path: str, filters: Mapping[str, str], place: str) -> str:
    """Returns the address of a list with the filters that are given, from a place on; "" is the beginning."""
    query = {name: value for name, value in {**filters, "after": place}.items() if value}
    return f"{path}?{urlencode(query)}" if query else path


def cursor(at: float, id: str) -> str:
    """Returns the cursor of a place in a list, as an address has it; at: unix seconds."""
    return f"{at!r}~{id}"


def after(text: str) -> tuple[float, str] | None:
    """Reads what `cursor` wrote; None for "". Raises ConnectorError for anything else."""
    at, _, id = text.partition("~")
    return (seconds(at), id) if text else None


def seconds(text: str) -> float:
    """Reads a number of seconds. Raises ConnectorError for anything else."""
    return number_of(text, "seconds")


def number_of(text: str, what: str) -> float:
    """Reads a number. Raises ConnectorError for what is none, in words that say what is meant."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ConnectorError(f"{text[:50]!r} is no number of {what}")
    return number


def offered(names: Iterable[str], given: str) -> list[str]:
    """Returns the names that a filter offers: also the one that it is set to, which the settings may have no more."""
    known = list(names)
    return known if not given or given in known else [*known, given]
