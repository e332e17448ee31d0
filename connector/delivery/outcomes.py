"""Counts what became of people and of requests, and how long it took, in buckets for a histogram. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from connector.customerio.request_log import Call
from connector.planning.attempt import Attempt
from connector.planning.settlement import Confirmed, PartlyRefused, Settlement

LATENCIES = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0)
"""The ends of the buckets, in seconds; what took longer is in one more."""
LONGER = "longer"
DELIVERED, REFUSED, MILLISECONDS = "delivered", "refused", "milliseconds"


def of_people(attempts: Iterable[Attempt], settlements: Sequence[Settlement], now: float) -> Counter[str]:
    """Counts people and objects who are as they should be now, and those refused for good.

    Args:
        attempts: The attempts of one claim.
        settlements: What Customer.io has confirmed of them, or refused in part.
        now: The store's time, in unix seconds.

    Returns:
        How many, by name. For whom a live change was delivered, also how long that took since it came.
    """
    since = {attempt.claim.entity.key: attempt.claim.since for attempt in attempts}
    found: Counter[str] = Counter()
    for each in settlements:
        if isinstance(each, PartlyRefused):
            found[REFUSED] += 1
        elif isinstance(each, Confirmed) and not each.more:
            found[DELIVERED] += 1
            came = since[each.entity.key]
            if came is not None:
                _add(found, max(now - came, 0.0))
    return found


def of_requests(calls: Iterable[Call]) -> Counter[str]:
    """Counts requests by what they came to, and how long they took."""
    found: Counter[str] = Counter()
    for call in calls:
        found[call.verdict] += 1
        _add(found, call.milliseconds / 1000)
    return found


def bucket(seconds: float) -> str:
    """Returns the name of the bucket in which a duration is counted."""
    return next((f"<= {end:g} s" for end in LATENCIES if seconds <= end), LONGER)


def _add(found: Counter[str], seconds: float) -> None:
    found[bucket(seconds)] += 1
    found[MILLISECONDS] += round(seconds * 1000)
