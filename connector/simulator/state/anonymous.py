"""Events of people not yet known, kept until an identify names their visitor (docs/customerio.md#anonymous-events)."""

from dataclasses import dataclass

from connector.simulator.state.people import SimulatedEvent, SimulatedPerson

KEPT_SECONDS = 30 * 86400
LATE_SECONDS = 300
TRIGGER_SECONDS = 72 * 3600


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """An event that no person has claimed. Without an `anonymous_id` it is an invite, or belongs to nobody."""

    number: int
    anonymous_id: str | None
    event: SimulatedEvent


class Anonymous:
    """Unclaimed events, and who owns which anonymous_id since when."""

    def __init__(self) -> None:
        self._received = 0
        self._invites: list[Unclaimed] = []
        self._kept: dict[str, list[Unclaimed]] = {}
        self._owners: dict[str, tuple[SimulatedPerson, float]] = {}

    def __len__(self) -> int:
        return len(self._invites) + sum(map(len, self._kept.values()))

    def unclaimed(self) -> list[Unclaimed]:
        """Returns what is kept, in the order received."""
        everything = [one for kept in self._kept.values() for one in kept] + self._invites
        return sorted(everything, key=lambda one: one.number)

    def keep(self, anonymous_id: str | None, event: SimulatedEvent) -> None:
        """Keeps an event until somebody claims it."""
        self._received += 1
        kept = self._invites if anonymous_id is None else self._kept.setdefault(anonymous_id, [])
        kept.append(Unclaimed(self._received, anonymous_id, event))

    def owner(self, anonymous_id: str) -> SimulatedPerson | None:
        """Returns the person whose attribute this anonymous_id is: it is unique to one."""
        owner = self._owners.get(anonymous_id)
        return owner[0] if owner else None

    def owner_for_events(self, anonymous_id: str, now: float) -> SimulatedPerson | None:
        """Returns the owner while late events still attach to them: five minutes from the identify."""
        owner = self._owners.get(anonymous_id)
        return owner[0] if owner and now - owner[1] <= LATE_SECONDS else None

    def claim(self, anonymous_id: str, person: SimulatedPerson, now: float) -> list[SimulatedEvent]:
        """Makes it the person's and hands over the events kept for it; what is older than thirty days is gone."""
        self._owners[anonymous_id] = (person, now)
        kept = self._kept.pop(anonymous_id, [])
        return [one.event for one in kept if now - one.event.received <= KEPT_SECONDS]

    def pass_on(self, person: SimulatedPerson, heir: SimulatedPerson | None = None) -> None:
        """Passes what `person` owned (their attribute says what) on to `heir`, unless they have one, or to nobody."""
        anonymous_id = person.attributes.get("anonymous_id")
        if not isinstance(anonymous_id, str) or self.owner(anonymous_id) is not person:
            return
        _, at = self._owners.pop(anonymous_id)
        if heir is not None and "anonymous_id" not in heir.attributes:
            self._owners[anonymous_id] = (heir, at)


def can_trigger(event: SimulatedEvent, now: float) -> bool:
    """Says whether the event, tied to a person now, could still start a campaign: within 72 hours of its timestamp."""
    return now - event.timestamp <= TRIGGER_SECONDS
