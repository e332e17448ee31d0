"""People, the objects they are related to, and the identifiers they are found by (docs/customerio.md#identity)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

# cio_ids come from a counter, so that a run can be repeated; real ones look like a3000001.
_FIRST_CIO_ID = 0xA3000001


class SimulatedEvent(NamedTuple):
    """One event, page or screen as it was received."""

    id: str | None
    name: str
    type: str
    timestamp: float
    attributes: dict[str, Any]
    received: float


@dataclass(slots=True, eq=False)
class Thing:
    """One object. `anonymous` are the relationships that wait for somebody to own the anonymous_id."""

    object_type_id: str
    object_id: str
    cio_object_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    people: "dict[SimulatedPerson, None]" = field(default_factory=dict)
    anonymous: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def identifiers(self) -> dict[str, str]:
        """The identifiers of the object."""
        return {
            "object_type_id": self.object_type_id,
            "object_id": self.object_id,
            "cio_object_id": self.cio_object_id,
        }


@dataclass(slots=True, eq=False)
class SimulatedPerson:
    """One profile. `timestamps` says for each attribute when its value was true."""

    number: int
    created: float
    identifiers: dict[str, str | None]
    attributes: dict[str, Any] = field(default_factory=dict)
    timestamps: dict[str, float] = field(default_factory=dict)
    events: list[SimulatedEvent] = field(default_factory=list)
    devices: dict[str, dict[str, Any]] = field(default_factory=dict)
    relationships: dict[Thing, dict[str, Any]] = field(default_factory=dict)

    @property
    def cio_id(self) -> str:
        """The identifier Customer.io gave: never changed, never used again."""
        return self.identifiers["cio_id"] or ""

    @property
    def unsubscribed(self) -> bool:
        """Whether they are unsubscribed: true in any casing, 1 and "1" say so (docs/customerio.md#reserved-names)."""
        return str(self.attributes.get("unsubscribed", "")).lower() in ("true", "1")


class SimulatedPeople:
    """Everybody, found by any identifier. Email compares case-insensitively, the others exactly."""

    def __init__(self) -> None:
        self.created = 0
        self._index: dict[str, dict[str, SimulatedPerson]] = {"id": {}, "email": {}, "phone": {}, "cio_id": {}}

    def __len__(self) -> int:
        return len(self._index["cio_id"])

    def __iter__(self) -> Iterator[SimulatedPerson]:
        """Returns people in the order they were created, as they are now: safe against changes while it is read."""
        return iter(list(self._index["cio_id"].values()))

    def find(self, kind: str, value: str) -> SimulatedPerson | None:
        """Returns the person who holds this identifier."""
        return self._index[kind].get(value.lower() if kind == "email" else value)

    def create(self, now: float) -> SimulatedPerson:
        """Returns a new person with nothing but a new cio_id."""
        cio_id = f"{_FIRST_CIO_ID + self.created:08x}"
        self.created += 1
        person = SimulatedPerson(self.created, now, {"id": None, "email": None, "phone": None, "cio_id": cio_id})
        self._index["cio_id"][cio_id] = person
        return person

    def give(self, person: SimulatedPerson, kind: str, value: str) -> None:
        """Makes `person` be found by this identifier, and no longer by the one of this kind they had."""
        self.take(person, kind)
        person.identifiers[kind] = value
        self._index[kind][value.lower() if kind == "email" else value] = person

    def take(self, person: SimulatedPerson, kind: str) -> None:
        """Frees the identifier of this kind, if the person has one."""
        held = person.identifiers[kind]
        if held is not None:
            del self._index[kind][held.lower() if kind == "email" else held]
            person.identifiers[kind] = None

    def remove(self, person: SimulatedPerson) -> None:
        """Forgets the person; they keep saying who they were."""
        was = dict(person.identifiers)
        for kind in was:
            self.take(person, kind)
        person.identifiers = was
