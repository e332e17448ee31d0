"""Counts once an hour what is compared with its mean: the changes of syncs, and the sizes of segments."""

from collections import Counter
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from connector.alerts.facts import Hourly
from connector.settings.schema import Settings, Sync
from connector.store import hourly
from connector.store.engine import Store
from connector.store.hourly import HOUR_SECONDS, HourCount

DAYS = 7
_LEAST_DAYS = 3
"""The fewest days that make a mean."""
_LEAST_HOURS = 24
_USERS_AT_ONCE = 5000


def of_changes(sync: str) -> str:
    """Returns the name under which the changes of a sync are counted."""
    return f"changes: {sync}"


def of_segment(sync: str, segment: str) -> str:
    """Returns the name under which the people of a segment are counted."""
    return f"people: {sync}: {segment}"


def measured(sync: Sync) -> list[str]:
    """Returns the segments of a sync that are counted: its audience, where it is named, and those with a promise."""
    return [*dict.fromkeys((*(each for each in sync.segments if each != "*"), *sync.freshness.segments))]


def measure(settings: Settings, store: Store, until: Callable[[], bool] = lambda: False) -> None:
    """Counts the changes and the segments' people of the last full hour that are not counted yet. Raises StoreError.

    Args:
        settings: The settings: what has no bound is not counted.
        store: The store.
        until: Says when to stop before the end; the segments of that sync are then counted anew by the next turn.
    """
    with store.reading() as tx:
        hour = int(store.now(tx) // HOUR_SECONDS) - 1
    for name, sync in settings.syncs.items():
        if settings.alerts.count_off_mean:
            _measure_changes(store, name, hour)
        if settings.alerts.segment_off_mean and measured(sync):
            _measure_segments(store, name, measured(sync), hour, until)


def _measure_changes(store: Store, sync: str, hour: int) -> None:
    with store.reading() as tx:
        if hourly.has(tx, of_changes(sync), hour):
            return
        counted = hourly.changes(tx, sync, hour)
    with store.writing() as tx:
        hourly.keep(tx, {of_changes(sync): counted}, hour)


def _measure_segments(store: Store, sync: str, segments: Sequence[str], hour: int, until: Callable[[], bool]) -> None:
    with store.reading() as tx:
        if all(hourly.has(tx, of_segment(sync, each), hour) for each in segments):
            return
    counted, key = Counter(dict.fromkeys(segments, 0)), ""
    while not until():
        with store.reading(patient=True) as tx:
            last, members = hourly.count_members(tx, sync, frozenset(segments), key, _USERS_AT_ONCE)
        counted.update(members)
        if last is None:
            with store.writing() as tx:
                hourly.keep(tx, {of_segment(sync, each): counted[each] for each in segments}, hour)
            return
        key = last


def means_of_counts(settings: Settings, tx: Connection, now: float) -> list[Hourly]:
    """Returns the changes of each sync in the last hour, beside the mean of that hour on the days before."""
    return [_mean(tx, name, of_changes(name), now, _same_hour, _LEAST_DAYS) for name in settings.syncs]


def means_of_segments(settings: Settings, tx: Connection, now: float) -> list[Hourly]:
    """Returns the size of each segment that is counted, beside its mean of the days before."""
    return [
        _mean(tx, f"{name}: {segment}", of_segment(name, segment), now, lambda _: True, _LEAST_HOURS)
        for name, sync in settings.syncs.items()
        for segment in measured(sync)
    ]


def _mean(tx: Connection, subject: str, kept: str, now: float, counts: Callable[[int], bool], least: int) -> Hourly:
    """Returns the count of the last full hour beside the mean of those before it, 0 where there are too few."""
    hour = int(now // HOUR_SECONDS) - 1
    return compared(subject, hourly.since(tx, kept, hour - DAYS * 24), hour, counts, least)


def compared(subject: str, found: Sequence[HourCount], hour: int, counts: Callable[[int], bool], least: int) -> Hourly:
    """Compares the count of an hour with those before it. Pure.

    Args:
        subject: What is counted.
        found: The counts.
        hour: The hour in question.
        counts: Says whether the hour that lies so many hours before that one goes into the mean.
        least: The fewest hours that make a mean; with fewer the mean is 0, which says nothing.
    """
    last = next((each.number for each in found if each.hour == hour), None)
    before = [each.number for each in found if each.hour < hour and counts(hour - each.hour)]
    if last is None or len(before) < least:
        return Hourly(subject, last or 0, 0.0)
    return Hourly(subject, last, sum(before) / len(before))


def _same_hour(hours_before: int) -> bool:
    return hours_before % 24 == 0
