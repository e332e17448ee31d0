"""How fast each sync delivers: what was counted minute by minute in the last hour."""

from collections.abc import Collection
from dataclasses import dataclass, field

from connector.delivery import outcomes
from connector.store import tallies
from connector.store.engine import Store

MINUTES = 60


@dataclass(frozen=True, slots=True)
class Pace:
    """What became of people and objects of a sync in the last hour.

    delivered, refused: how many each minute, the oldest first; the last is the minute that has just begun.
    """

    delivered: list[int] = field(default_factory=lambda: [0] * MINUTES)
    refused: list[int] = field(default_factory=lambda: [0] * MINUTES)

    @property
    def a_minute(self) -> float:
        """Returns how many were delivered a minute, in the mean of the last five minutes that are over."""
        return sum(self.delivered[-6:-1]) / 5


def of_last_hour(store: Store, syncs: Collection[str]) -> dict[str, Pace]:
    """Returns the pace of each of these syncs."""
    scopes = {tallies.way(sync): sync for sync in syncs}
    found = {sync: Pace() for sync in syncs}
    with store.reading() as tx:
        first = int(store.now(tx) // tallies.MINUTE_SECONDS) - MINUTES + 1
        counted = tallies.minutes(tx, scopes, (outcomes.DELIVERED, outcomes.REFUSED), first)
    for each in counted:
        pace = found[scopes[each.scope]]
        counts = pace.delivered if each.name == outcomes.DELIVERED else pace.refused
        counts[min(each.minute - first, MINUTES - 1)] = each.number
    return found
