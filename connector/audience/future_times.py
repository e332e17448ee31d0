"""Times that lie far in the future: a device's wrong clock must not make all that comes after it stale.

Only times are judged. A version may also be a counter of upstream's own, which no clock says anything about: what
counts as a time is a number of microseconds between now and the year 10000. A counter may be as large as nanoseconds
are. From 2**62 on nothing is left that could be larger (the largest integer stands for "none", say): it is told too.
"""

from dataclasses import replace

from connector.model.change import Change, ObjectChange
from connector.model.entity import PendingEvent
from connector.model.problem import Problem

_LAST_TIME = 253_402_300_800 * 1_000_000
_MICROSECONDS = 1_000_000
_TOO_LARGE = 2**62


def version(given: int | None, now: float, most: float) -> int | None:
    """Returns the version, or now where it is a time more than `most` seconds ahead of now, or too large."""
    if given is None or given <= (now + most) * _MICROSECONDS or _LAST_TIME <= given < _TOO_LARGE:
        return given
    return int(now * _MICROSECONDS)


def judged(change: Change, now: float, most: float) -> tuple[Change, tuple[Problem, ...]]:
    """Returns the change as if it had happened now, where its version is a time more than `most` seconds from now.

    The same goes for a version that is too large for any counter.
    """
    at = version(change.version, now, most)
    if at == change.version:
        return change, ()
    return replace(change, version=at), (Problem("attribute", change.key, _of_version(change.version, most)),)


def judged_event(event: PendingEvent, key: str, now: float, most: float) -> tuple[PendingEvent, tuple[Problem, ...]]:
    """Gives an event that lies too far in the future the time at which it came.

    Its ULID stays the one of the time that it said: otherwise the event would be new each time it is repeated.

    Args:
        event: The event.
        key: The user whose event it is, for the problem.
        now: When it came, in unix seconds.
        most: How many seconds ahead of `now` an event may be.

    Returns:
        The event, and a problem if its time was changed.
    """
    if event.occurred_at is None or event.occurred_at <= now + most:
        return event, ()
    return replace(event, occurred_at=int(now)), (Problem("event", key, _reason("the time of an event", most)),)


def judged_object(change: ObjectChange, now: float, most: float) -> tuple[ObjectChange, tuple[Problem, ...]]:
    """Judges a message about an object as `judged` does a change."""
    at = version(change.version, now, most)
    if at == change.version:
        return change, ()
    return replace(change, version=at), (Problem("attribute", change.key, _of_version(change.version, most)),)


def _of_version(given: int | None, most: float) -> str:
    if given is not None and given >= _TOO_LARGE:
        return "the version is 2**62 or more, too large for what comes later: the time of arrival stands for it"
    return _reason("the version", most)


def _reason(what: str, most: float) -> str:
    return (
        f"{what} lies more than [intake] max_future_seconds, {most:g} s, in the future: the time of arrival stands for "
        "it. Is a clock upstream wrong?"
    )
