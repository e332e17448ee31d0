"""Manual segments: the App API writes the catalogue, the Track API the members (docs/customerio.md#manual-segments)."""

from collections.abc import Iterable
from dataclasses import dataclass

from connector.simulator.state.people import SimulatedPerson


@dataclass(slots=True)
class SimulatedSegment:
    """One segment. Only a manual one takes members; a dynamic one is there to be refused."""

    id: int
    name: str
    description: str
    type: str
    created: float


class Catalogue:
    """The segments of a workspace, in the order made; ids count from 1 and are never used again."""

    def __init__(self, dynamic: Iterable[str] = ()) -> None:
        self._made = 0
        self._segments: dict[int, SimulatedSegment] = {}
        for name in dynamic:
            self.make(name, "", 0.0, "dynamic")

    def make(self, name: str, description: str, now: float, type_: str = "manual") -> SimulatedSegment:
        """Makes a new, empty segment. Two may have one name.

        Args:
            name: What people call it.
            description: A text about it.
            now: When it is made, in unix seconds.
            type_: manual or dynamic.
        """
        self._made += 1
        segment = SimulatedSegment(self._made, name, description, type_, now)
        self._segments[segment.id] = segment
        return segment

    def find(self, segment_id: int) -> SimulatedSegment | None:
        """Returns the segment of this id."""
        return self._segments.get(segment_id)

    def remove(self, segment_id: int) -> None:
        """Forgets the segment."""
        self._segments.pop(segment_id, None)

    def all(self) -> list[SimulatedSegment]:
        """Returns every segment, in the order made."""
        return list(self._segments.values())


class SimulatedMemberships:
    """The members of each segment, in the order in which they came in."""

    def __init__(self) -> None:
        self._members: dict[int, dict[SimulatedPerson, None]] = {}

    def add(self, segment_id: int, person: SimulatedPerson) -> None:
        """Puts the person in; nothing changes if they are."""
        self._members.setdefault(segment_id, {})[person] = None

    def remove(self, segment_id: int, person: SimulatedPerson) -> None:
        """Takes the person out; nothing changes if they are not in."""
        self._members.get(segment_id, {}).pop(person, None)

    def of(self, segment_id: int) -> list[SimulatedPerson]:
        """Returns the segment's members."""
        return list(self._members.get(segment_id, ()))

    def holds(self, segment_id: int, person: SimulatedPerson) -> bool:
        """Says whether the person is in."""
        return person in self._members.get(segment_id, ())

    def drop(self, segment_id: int) -> None:
        """Forgets the members of a deleted segment."""
        self._members.pop(segment_id, None)

    def leave_all(self, person: SimulatedPerson, heir: SimulatedPerson | None = None) -> None:
        """Takes the person out of every segment, and puts `heir` in their place."""
        for members in self._members.values():
            if members.pop(person, _ABSENT) is _ABSENT:
                continue
            if heir is not None:
                members[heir] = None


_ABSENT = object()
