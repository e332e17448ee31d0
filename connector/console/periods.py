"""The period that bounds a list of the console: `last` so long, or `from` a moment `to` a moment, in UTC."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from connector.console.page import Visit
from connector.errors import ConnectorError

NAMES = ("from", "to", "last")
"""The parameters of an address that make a period."""
LAST = {"10 minutes": 600.0, "hour": 3600.0, "day": 86_400.0, "week": 604_800.0}
"""The periods that end now, in seconds."""


class Period(NamedTuple):
    """A period in unix seconds, from `since` on until just before `until`; None for no bound."""

    since: float | None
    until: float | None


def wanted(visit: Visit, now: Callable[[], float]) -> Period:
    """Returns the period that an address asks for. Raises ConnectorError for a value that is no moment or no period.

    `now` returns the store's time in unix seconds; it is called only where the address gives `last`.
    """
    since, until = _moment(visit.given("from")), _moment(visit.given("to"))
    last = visit.given("last")
    if last:
        if last not in LAST:
            raise ConnectorError(f"There is no period {last!r}: it is one of {', '.join(LAST)}.")
        since = max(since or 0.0, now() - LAST[last])
    return Period(since, until)


def _moment(given: str) -> float | None:
    if not given:
        return None
    try:
        found = datetime.fromisoformat(given)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise ConnectorError(f"{given!r} is no date and time: write it as 2026-01-31T14:00, in UTC.") from error
