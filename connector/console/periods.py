"""The period that lists of the console are held to: `last` so long, or `from` a moment `to` a moment, in UTC."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from connector.console.page import Visit
from connector.errors import ConnectorError

NAMES = ("from", "to", "last")
"""What a period is made of, in an address."""
LAST = {"10 minutes": 600.0, "hour": 3600.0, "day": 86_400.0, "week": 604_800.0}
"""The periods that end now, in seconds."""


class Period(NamedTuple):
    """From when on, and until before when, in unix seconds; None for no bound."""

    since: float | None
    until: float | None


def wanted(visit: Visit, now: Callable[[], float]) -> Period:
    """Returns the period that an address asks for; `now`: asked for the store's time if that is needed.

    Raises ConnectorError for what is no period.
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
        return datetime.fromisoformat(given).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError) as error:
        raise ConnectorError(f"{given!r} is no date and time: write it as 2026-01-31T14:00, in UTC.") from error
