"""Counts what became of people and of requests, and how long it took, in buckets for a histogram. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from connector.customerio.request_log import Call
from connector.planning.attempt import Attempt
from connector.planning.direction import DIRECTIONS, direction
from connector.planning.settlement import Confirmed, PartlyRefused, Settlement

LATENCIES = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 3600.0)
"""The ends of the buckets, in seconds; what took longer is in one more."""
LONGER = "longer"
DELIVERED, REFUSED, HELD, MILLISECONDS = "delivered", "refused", "held", "milliseconds"


def of_people(attempts: Iterable[Attempt], settlements: Sequence[Settlement], now: float) -> Counter[str]:
    """Counts people and objects who are as they should be now, and those refused for good.

    Args:
        attempts: The attempts of one claim.
        settlements: What Customer.io has confirmed of them, or refused in part.
        now: The store's time, in unix seconds.

    Returns:
        The counts, by name, and by name and direction; also the count of those whose deletion was held back.
        For those to whom a live change was delivered, also how long that took since it came, in buckets.
    """
    by_key = {attempt.claim.entity.key: attempt for attempt in attempts}
    found = Counter({HELD: sum(attempt.held_back for attempt in by_key.values())})
    for each in settlements:
        attempt = by_key[each.entity.key]
        if isinstance(each, PartlyRefused):
            found[REFUSED] += 1
            found[_REFUSED[_direction(attempt)]] += 1
        elif isinstance(each, Confirmed) and not each.more:
            found[DELIVERED] += 1
            found[_DELIVERED[_direction(attempt)]] += 1
            came = attempt.claim.since
            if came is not None:
                _add(found, max(now - came, 0.0))
    return found


_DELIVERED, _REFUSED = ({each: f"{what}: {each}" for each in DIRECTIONS} for what in (DELIVERED, REFUSED))


def _direction(attempt: Attempt) -> str:
    return direction(attempt.claim.entity, attempt.desired.standing)


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


BUCKETS = (*map(bucket, LATENCIES), LONGER)


def at_most(counts: Mapping[str, int], share: float) -> float | None:
    """Returns how long a share of what was counted took at most, in seconds, as far as buckets tell.

    Within a bucket all is taken to be spread evenly. What is in the last one took longer than its beginning, which is
    then returned. Returns None where nothing was counted.
    """
    sought = share * sum(counts.get(name, 0) for name in BUCKETS)
    if not sought:
        return None
    begin = 0.0
    for end in LATENCIES:
        inside = counts.get(bucket(end), 0)
        if inside and sought <= inside:
            return begin + (end - begin) * sought / inside
        sought -= inside
        begin = end
    return begin


def _add(found: Counter[str], seconds: float) -> None:
    found[bucket(seconds)] += 1
    found[MILLISECONDS] += round(seconds * 1000)
