"""Applies to one person what the settings keep from them, by what Customer.io has reported (`audience.feedback`).

Removals that upstream asks for go in any case.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.audience.feedback import Restraint
from connector.audience.rules import Rules
from connector.model.entity import PendingEvent

_REMOVALS = (AudienceStatus.DELETED, AudienceStatus.SUPPRESSED, AudienceStatus.MERGED)


class Restrained(NamedTuple):
    """The part of what was wanted that is left to be sent, with the restraint and the ids of the events withheld."""

    desired: Desired
    rules: Rules
    events: Sequence[PendingEvent]
    restraint: Restraint = Restraint()
    withheld: tuple[str, ...] = ()

    def tallies(self) -> Iterator[tuple[str, int]]:
        """Yields what was kept back, by name, as it is counted."""
        if self.withheld:
            yield f"events skipped: {self.restraint.stops_events} in Customer.io", len(self.withheld)
        if self.restraint.not_recreated:
            yield f"skipped: {self.restraint.not_recreated} in Customer.io", 1


def applied(restraint: Restraint, desired: Desired, rules: Rules, events: Sequence[PendingEvent]) -> Restrained:
    """Returns what may be sent to a person.

    Args:
        restraint: What is kept from them.
        desired: What Customer.io should hold of them otherwise.
        rules: The sync's rules.
        events: The events that are owed to them.
    """
    if not restraint.stops_events or desired.standing in _REMOVALS:
        return Restrained(desired, rules, events)
    withheld = tuple(each.id for each in events)
    if restraint.not_recreated:
        # If attributes are taken away, an identify that only updates creates nobody either.
        desired, rules = desired._replace(person=None), replace(rules, update_only=True)
    return Restrained(desired, rules, (), restraint, withheld)
