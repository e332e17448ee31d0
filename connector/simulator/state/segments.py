"""Manual segments: a catalogue the App API writes, memberships the Track API writes (reference: customerio-api, 4)."""

from collections.abc import Iterable
from dataclasses import dataclass

from connector.simulator.state.people import Person


@dataclass(slots=True)
class Segment:
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
        self._segments: dict[int, Segment] = {}
        for name in dynamic:
            self.make(name, "", 0.0, "dynamic")

    def make(self, name: str, description: str, now: float, type_: str = "manual") -> Segment:
        """A new empty segment; two may have one name."""
        self._made += 1
        segment = Segment(self._made, name, description, type_, now)
        self._segments[segment.id] = segment
        return segment

    def find(self, segment_id: int) -> Segment | None:
        """The segment of this id."""
        return self._segments.get(segment_id)

    def remove(self, segment_id: int) -> None:
        """Forgets the segment."""
        self._segments.pop(segment_id, None)

    def all(self) -> list[Segment]:
        """Every segment, in the order made."""
        return list(self._segments.values())


class Memberships:
    """Who is in which segment, in the order they came in."""

    def __init__(self) -> None:
        self._members: dict[int, dict[Person, None]] = {}

    def add(self, segment_id: int, person: Person) -> None:
        """Puts the person in; nothing changes if they are."""
        self._members.setdefault(segment_id, {})[person] = None

    def remove(self, segment_id: int, person: Person) -> None:
        """Takes the person out; nothing changes if they are not in."""
        self._members.get(segment_id, {}).pop(person, None)

    def of(self, segment_id: int) -> list[Person]:
        """The segment's members."""
        return list(self._members.get(segment_id, ()))

    def holds(self, segment_id: int, person: Person) -> bool:
        """Whether the person is in."""
        return person in self._members.get(segment_id, ())

    def drop(self, segment_id: int) -> None:
        """Forgets the members of a deleted segment."""
        self._members.pop(segment_id, None)

    def leave_all(self, person: Person, heir: Person | None = None) -> None:
        """Takes the person out of every segment, and puts `heir` in their place."""
        for members in self._members.values():
            if members.pop(person, _ABSENT) is _ABSENT:
                continue
            if heir is not None:
                members[heir] = None


_ABSENT = object()
