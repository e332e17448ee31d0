"""The funnel of a sync: what became of every message in a period, so that the steps add up to what was received.

The unit is a message for a sync (`intake/funnel_steps`): a change of one user or object, or what could not be read.
Each is counted under one step, in the transaction that took it in. What happens after that happens to people and
objects, of whom several messages may make one due: these are counted by themselves.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from connector.admin import late_failures
from connector.delivery import outcomes
from connector.errors import ConnectorError
from connector.intake import funnel_steps
from connector.store import tallies, tally_hours
from connector.store.engine import Store
from connector.store.tallies import MINUTE_SECONDS

PERIODS: Mapping[str, int] = {
    "10m": 10, "1h": 60, "6h": 360, "24h": 1440, "7d": 7 * 1440, "14d": 14 * 1440, "30d": 30 * 1440,
}  # fmt: skip
"""The periods that may be looked at, in minutes."""
USUAL_PERIOD = "24h"
_BY_THE_HOUR = 1440
"""A longer period begins with a whole hour, since the minutes of its beginning are not kept."""
LATER = late_failures.KIND
_WORDS = {
    funnel_steps.UNREADABLE: "unreadable",
    funnel_steps.NOT_TAKEN: "not taken by the sync",
    funnel_steps.OUTSIDE: "not in the audience",
    funnel_steps.REPEATED: "repeated, or older than what is known",
    funnel_steps.NO_CHANGE: "nothing that Customer.io has to be told",
    funnel_steps.WAITS: "another user has the identifier",
    funnel_steps.TOGETHER: "told with another message of the same person, in one batch",
    funnel_steps.DUE: "made somebody due",
}
_PEOPLE = {
    outcomes.DELIVERED: "confirmed by Customer.io",
    outcomes.REFUSED: "refused by Customer.io for good",
    outcomes.HELD: "held by the deletion guard",
    LATER: "failed behind 200: answered, and dropped later",
}


class StepReason(NamedTuple):
    """A reason why messages came to a step. before: how many in the period before; None if not known."""

    reason: str
    number: int
    before: int | None


class FunnelStep(NamedTuple):
    """One step: its name for programs, its words, how many, how many in the period before, and by which reasons."""

    name: str
    words: str
    number: int
    before: int | None
    reasons: tuple[StepReason, ...] = ()


class Funnel(NamedTuple):
    """The funnel of a sync from `begin` until before `end`, in unix seconds.

    messages: the steps of messages, which add up to `received`. people: what became of people and objects. since: from
    when on anything is counted, where that is within the period or the one before it; else None.
    """

    sync: str
    begin: float
    end: float
    received: FunnelStep
    messages: tuple[FunnelStep, ...]
    people: tuple[FunnelStep, ...]
    since: float | None

    def step(self, name: str) -> FunnelStep | None:
        """Returns a step by its name; None if there is no such step."""
        return next((each for each in (*self.messages, *self.people) if each.name == name), None)


def minutes(period: str) -> int:
    """Returns the minutes of a period, by its name. Raises ConnectorError where there is none of that name."""
    if period not in PERIODS:
        raise ConnectorError(f"There is no period {period!r}: give one of {', '.join(PERIODS)}.")
    return PERIODS[period]


def of_sync(store: Store, sync: str, minutes: int) -> Funnel:
    """Returns the funnel of a sync for the last so many minutes, of which the last has just begun.

    Args:
        store: The store.
        sync: The sync, by its name.
        minutes: How long the period is.
    """
    with store.reading() as tx:
        end = int(store.now(tx) // MINUTE_SECONDS) + 1
        begin = _begin(end, minutes)
        earlier = _begin(begin, minutes)
        first = tally_hours.first(tx)
        now, before = _counts(tx, sync, begin, end), _counts(tx, sync, earlier, begin)
    known = first is not None and first <= earlier
    since = None if known or first is None else float(first * MINUTE_SECONDS)
    steps_, people = (_steps(words, now, before if known else None) for words in (_WORDS, _PEOPLE))
    received = _step(funnel_steps.RECEIVED, "received", now, before if known else None)
    return Funnel(sync, float(begin * 60), float(end * 60), received, steps_, people, since)


def _begin(end: int, minutes: int) -> int:
    begin = end - minutes
    return begin if minutes <= _BY_THE_HOUR else begin - begin % tally_hours.MINUTES_AN_HOUR


def _counts(tx: Connection, sync: str, begin: int, end: int) -> Counter[str]:
    """Everything that the steps are made of, by its name: no two scopes have one name for different things here."""
    scopes = (tallies.funnel(sync), tallies.way(sync), sync)
    found = tally_hours.between(tx, scopes, begin, end)
    way = Counter({name: count for name, count in found[scopes[1]].items() if name in _PEOPLE})
    later = Counter({name: count for name, count in found[sync].items() if name.startswith(f"{LATER}: ")})
    return found[scopes[0]] + way + later


def _steps(
    words: Mapping[str, str], now: Mapping[str, int], before: Mapping[str, int] | None
) -> tuple[FunnelStep, ...]:
    return tuple(_step(name, said, now, before) for name, said in words.items())


def _step(name: str, words: str, now: Mapping[str, int], before: Mapping[str, int] | None) -> FunnelStep:
    count, reasons = _of_step(name, now)
    count_before, reasons_before = _of_step(name, before or {})
    named = sorted({*reasons, *reasons_before}, key=lambda each: (-reasons[each], each))
    found = tuple(
        StepReason(each, reasons[each], reasons_before[each] if before is not None else None) for each in named
    )
    return FunnelStep(name, words, count, count_before if before is not None else None, found)


def _of_step(name: str, counts: Mapping[str, int]) -> tuple[int, Counter[str]]:
    """Returns how many came to a step in all, and how many by each reason."""
    reasons = Counter({each.partition(": ")[2]: n for each, n in counts.items() if each.startswith(f"{name}: ")})
    return counts.get(name, 0) + reasons.total(), reasons
