"""Everything a simulated workspace remembers, and what several operations do to it alike."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from connector.simulator.base.options import Options
from connector.simulator.state.activity import ActivityLog
from connector.simulator.state.anonymous import Anonymous
from connector.simulator.state.objects import SimulatedObjects, unlink_all
from connector.simulator.state.people import SimulatedPeople, SimulatedPerson
from connector.simulator.state.segments import Catalogue, SimulatedMemberships
from connector.simulator.state.suppression import Suppressed


class SimulatedState:
    """The memory of one workspace. The catalogue of segments may be shared by two views of it."""

    def __init__(self, options: Options, catalogue: Catalogue) -> None:
        self.options = options
        self.catalogue = catalogue
        self.people = SimulatedPeople()
        self.objects = SimulatedObjects()
        self.memberships = SimulatedMemberships()
        self.anonymous = Anonymous()
        self.suppressed = Suppressed()
        self.log = ActivityLog()
        self.seen_events: set[str] = set()
        self.counts: Counter[str] = Counter()

    def arrive(self, kind: str, value: str, now: float, by: str) -> SimulatedPerson:
        """Makes a new person and logs it.

        Args:
            kind: The kind of the first identifier: id, email or phone.
            value: The identifier.
            now: Unix seconds.
            by: What made them, for the log.
        """
        person = self.people.create(now)
        self.people.give(person, kind, value)
        self.log.write("profile_create", now, person.identifiers, {"by": by})
        return person

    def reach(self, identifiers: Mapping[str, Any], now: float, by: str) -> SimulatedPerson | None:
        """Returns whom an event, device or relationship is for, made if need be and allowed (7.5), else None, logged.

        Identifiers are checked before: they hold exactly one name here.
        """
        kind, value = named(identifiers)
        if self.suppressed.blocks([(kind, value)]):
            self.log.write("suppressed", now, {kind: value}, {"by": by})
            return None
        person = self.people.find(kind, value)
        if person is None and kind != "cio_id" and self.options.event_creates_person:
            return self.arrive(kind, value, now, by)
        if person is None:
            self.log.write("failed_event", now, {kind: value}, {"by": by, "reason": "no such person"})
        return person

    def forget(self, person: SimulatedPerson, heir: SimulatedPerson | None = None) -> None:
        """Removes the person; segments, relationships and anonymous_ids go to `heir`, if there is one."""
        self.memberships.leave_all(person, heir)
        unlink_all(person, heir)
        self.anonymous.pass_on(person, heir)
        self.people.remove(person)


def named(identifiers: Mapping[str, Any]) -> tuple[str, str]:
    """Returns an operation's one identifier as kind and text: numbers are ids too (docs/customerio.md#operations)."""
    for kind, value in identifiers.items():
        return kind, value if type(value) is str else str(value)
    raise KeyError("no identifier")
