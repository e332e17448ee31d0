"""Where a list goes on that is ordered by time: behind a moment and an id, as a part of an address."""

from math import isfinite

from connector.errors import ConnectorError


def cursor(at: float, id: str) -> str:
    """Returns a place in a list, for an address; at: unix seconds."""
    return f"{at!r}~{id}"


def after(text: str) -> tuple[float, str] | None:
    """Reads what `cursor` wrote; None for "". Raises ConnectorError for anything else."""
    at, _, id = text.partition("~")
    return (seconds(at), id) if text else None


def seconds(text: str) -> float:
    """Reads a number of seconds. Raises ConnectorError for what is none."""
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ConnectorError(f"{text[:50]!r} is no number: seconds are meant")
    return number
