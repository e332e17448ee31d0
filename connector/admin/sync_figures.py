"""The figures of a sync by the hour and by the day: what became of people, how long it took, and its segments."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection

from connector.alerts import measure
from connector.delivery import outcomes
from connector.intake import funnel_steps
from connector.planning.direction import DIRECTIONS
from connector.settings.schema import Sync
from connector.store import hourly, tallies, tally_hours
from connector.store.engine import Store

HOURS, DAYS = 24, 14
_DAY_HOURS = 24
SHARES = (0.5, 0.95, 0.99)
"""The shares of the deliveries for which the page says how long they took at most."""


@dataclass(slots=True)
class Span:
    """An hour or a day, which begins at `begin` in unix seconds.

    wanted, confirmed, refused: how many people entered, changed and left, and how many objects, by what was wanted of
    Customer.io, what it confirmed, and what it refused for good. buckets: how many live changes took how long, by the
    names in `outcomes.BUCKETS`.
    """

    begin: float
    wanted: Counter[str] = field(default_factory=Counter)
    confirmed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    buckets: Counter[str] = field(default_factory=Counter)

    @property
    def seconds(self) -> tuple[float | None, ...]:
        """Returns for each of SHARES the most seconds that so large a part of the live changes took.

        They are None where none was delivered.
        """
        return tuple(outcomes.at_most(self.buckets, share) for share in SHARES)


class SegmentFigures(NamedTuple):
    """A segment that the settings name, or that had moves of late.

    people: how many are in it, by the count at `counted_at` (unix seconds); both are None where none was counted.
    entered, left: how many came and went in the last 24 hours.
    """

    name: str
    people: int | None
    counted_at: float | None
    entered: int
    left: int


class SyncFigures(NamedTuple):
    """A sync by the hour and by the day, the oldest first: the last hour and the last day have not ended yet."""

    hours: Sequence[Span]
    days: Sequence[Span]
    segments: Sequence[SegmentFigures]


def of_sync(store: Store, name: str, sync: Sync) -> SyncFigures:
    """Returns the figures of a sync: for 24 hours, for 14 days, and for its segments."""
    with store.reading() as tx:
        now = store.now(tx)
        end = int(now // tallies.MINUTE_SECONDS) + 1
        hours = _spans(tx, name, end, HOURS, 1)
        days = _spans(tx, name, end, DAYS, _DAY_HOURS)
        return SyncFigures(hours, days, _segments(tx, name, sync, end))


def _spans(tx: Connection, sync: str, end: int, how_many: int, hours: int) -> list[Span]:
    each = hours * tally_hours.MINUTES_AN_HOUR
    begin = (end - 1) // each * each - (how_many - 1) * each
    spans = {
        begin // tally_hours.MINUTES_AN_HOUR + at * hours: Span(float(begin + at * each) * tallies.MINUTE_SECONDS)
        for at in range(how_many)
    }
    scopes = (tallies.funnel(sync), tallies.way(sync))
    for counted in tally_hours.series(tx, scopes, begin, end, hours):
        _add(spans[counted.first], counted.name, counted.number)
    return list(spans.values())


def _add(span: Span, name: str, number: int) -> None:
    kind, _, direction = name.partition(": ")
    into = {funnel_steps.DUE: span.wanted, outcomes.DELIVERED: span.confirmed, outcomes.REFUSED: span.refused}
    if direction in DIRECTIONS and kind in into:
        into[kind][direction] += number
    elif name in outcomes.BUCKETS:
        span.buckets[name] += number


def _segments(tx: Connection, name: str, sync: Sync, end: int) -> list[SegmentFigures]:
    scope = tallies.segments(name)
    moves = tally_hours.between(tx, [scope], end - HOURS * tally_hours.MINUTES_AN_HOUR, end)[scope]
    watched = sorted({*measure.measured(sync), *_moved(moves)})
    return [_segment(tx, name, each, moves, end) for each in watched]


def _moved(moves: Iterable[str]) -> set[str]:
    return {each.partition(": ")[2] for each in moves}


def _segment(tx: Connection, sync: str, segment: str, moves: Mapping[str, int], end: int) -> SegmentFigures:
    since = end // tally_hours.MINUTES_AN_HOUR - measure.DAYS * _DAY_HOURS
    counted = next(iter(hourly.since(tx, measure.of_segment(sync, segment), since)), None)
    return SegmentFigures(
        segment,
        counted.number if counted else None,
        float(counted.hour + 1) * hourly.HOUR_SECONDS if counted else None,
        moves.get(f"entered: {segment}", 0),
        moves.get(f"left: {segment}", 0),
    )
