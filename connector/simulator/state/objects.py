"""Objects (companies, courses, ...) and who is related to them (docs/customerio.md#objects)."""

from collections.abc import Iterator, Mapping
from typing import Any

from connector.simulator.state.people import SimulatedPerson, Thing

_FIRST_CIO_OBJECT_ID = 0x0B000001


class SimulatedObjects:
    """Every object, found by type and id or by cio_object_id."""

    def __init__(self) -> None:
        self.created = 0
        self._by_id: dict[tuple[str, str], Thing] = {}
        self._by_cio_id: dict[str, Thing] = {}
        self._waiting: dict[str, dict[Thing, None]] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Thing]:
        return iter(list(self._by_id.values()))

    def find(self, identifiers: Mapping[str, Any]) -> Thing | None:
        """Returns the object these identifiers name."""
        if "cio_object_id" in identifiers:
            return self._by_cio_id.get(str(identifiers["cio_object_id"]))
        return self._by_id.get(_key(identifiers))

    def reach(self, identifiers: Mapping[str, Any]) -> Thing | None:
        """Returns the object, made if it has to be; a cio_object_id can find but not make one."""
        thing = self.find(identifiers)
        if thing is not None or "cio_object_id" in identifiers:
            return thing
        type_id, object_id = _key(identifiers)
        thing = Thing(type_id, object_id, f"{_FIRST_CIO_OBJECT_ID + self.created:08x}")
        self.created += 1
        self._by_id[type_id, object_id] = thing
        self._by_cio_id[thing.cio_object_id] = thing
        return thing

    def remove(self, thing: Thing) -> None:
        """Forgets the object and everybody's relationship with it."""
        del self._by_id[thing.object_type_id, thing.object_id]
        del self._by_cio_id[thing.cio_object_id]
        for person in thing.people:
            person.relationships.pop(thing, None)
        for anonymous_id in thing.anonymous:
            self._waiting.get(anonymous_id, {}).pop(thing, None)

    def wait_for(self, anonymous_id: str, thing: Thing, attributes: Mapping[str, Any]) -> None:
        """Remembers a relationship with somebody not yet known."""
        write(thing.anonymous.setdefault(anonymous_id, {}), attributes)
        self._waiting.setdefault(anonymous_id, {})[thing] = None

    def wait_no_more(self, anonymous_id: str, thing: Thing) -> None:
        """Forgets such a relationship, if there is one."""
        thing.anonymous.pop(anonymous_id, None)
        self._waiting.get(anonymous_id, {}).pop(thing, None)

    def claim(self, anonymous_id: str, person: SimulatedPerson) -> None:
        """Gives the person the relationships that waited for their anonymous_id."""
        for thing in self._waiting.pop(anonymous_id, ()):
            link(person, thing, thing.anonymous.pop(anonymous_id))


def link(person: SimulatedPerson, thing: Thing, attributes: Mapping[str, Any]) -> None:
    """Relates the two, or updates how."""
    thing.people[person] = None
    write(person.relationships.setdefault(thing, {}), attributes)


def unlink(person: SimulatedPerson, thing: Thing) -> None:
    """Ends the relationship, if there is one."""
    thing.people.pop(person, None)
    person.relationships.pop(thing, None)


def unlink_all(person: SimulatedPerson, heir: SimulatedPerson | None = None) -> None:
    """Ends all of a person's relationships; an heir gets those they have not."""
    for thing, attributes in list(person.relationships.items()):
        unlink(person, thing)
        if heir is not None and thing not in heir.relationships:
            link(heir, thing, attributes)


def write(held: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Changes attributes of an object or a relationship: null and "" remove (docs/customerio.md#objects)."""
    for name, value in changes.items():
        if value is None or value == "":
            held.pop(name, None)
        else:
            held[name] = value


def _key(identifiers: Mapping[str, Any]) -> tuple[str, str]:
    return str(identifiers["object_type_id"]), str(identifiers["object_id"])
