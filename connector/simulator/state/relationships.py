"""Objects as operations write them, and relationships between people and objects (docs/customerio.md#objects)."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.simulator.state.objects import link, unlink, write
from connector.simulator.state.people import SimulatedPerson, Thing
from connector.simulator.state.state import SimulatedState, named

_Item = Mapping[str, Any]


def relate(state: SimulatedState, person: SimulatedPerson, relationships: Iterable[_Item]) -> None:
    """Relates a person to objects, which are made if they have to be."""
    for relationship in relationships:
        thing = state.objects.reach(relationship["identifiers"])
        if thing is not None:
            link(person, thing, relationship.get("relationship_attributes") or {})


def add_to_person(state: SimulatedState, item: _Item, now: float) -> None:
    """Applies an add_relationships of a person."""
    person = state.reach(item["identifiers"], now, "add_relationships")
    if person is not None:
        relate(state, person, item["cio_relationships"])


def delete_from_person(state: SimulatedState, item: _Item, _now: float) -> None:
    """Applies a delete_relationships of a person: neither person nor object is made for it."""
    person = state.people.find(*named(item["identifiers"]))
    for relationship in item["cio_relationships"]:
        thing = state.objects.find(relationship["identifiers"])
        if person is not None and thing is not None:
            unlink(person, thing)


def identify_object(state: SimulatedState, item: _Item, now: float) -> None:
    """Applies an identify of an object: the object is made or changed, and related to people."""
    thing = state.objects.reach(item["identifiers"])
    if thing is None:
        state.log.write("failed_attribute_change", now, dict(item["identifiers"]), {"reason": "no such object"})
        return
    write(thing.attributes, item.get("attributes") or {})
    for relationship in item.get("cio_relationships") or ():
        _relate_object(state, thing, relationship, now)


def add_to_object(state: SimulatedState, item: _Item, now: float) -> None:
    """Applies an add_relationships of an object: as identify, but whatever is under `attributes` means nothing here."""
    identify_object(state, {**item, "attributes": None}, now)


def identify_object_anonymously(state: SimulatedState, item: _Item, now: float) -> None:
    """Applies an identify_anonymous of an object: the anonymous_id is in cio_relationships or beside it (2.2)."""
    beside = item.get("anonymous_id")
    beside = [{"identifiers": {"anonymous_id": beside}}] if beside else []
    identify_object(state, {**item, "cio_relationships": [*(item.get("cio_relationships") or ()), *beside]}, now)


def delete_object(state: SimulatedState, item: _Item, _now: float) -> None:
    """Applies a delete of an object."""
    thing = state.objects.find(item["identifiers"])
    if thing is not None:
        state.objects.remove(thing)


def delete_from_object(state: SimulatedState, item: _Item, _now: float) -> None:
    """Applies a delete_relationships of an object."""
    thing = state.objects.find(item["identifiers"])
    if thing is None:
        return
    for relationship in item["cio_relationships"]:
        kind, value = named(relationship["identifiers"])
        person = state.anonymous.owner(value) if kind == "anonymous_id" else state.people.find(kind, value)
        if person is not None:
            unlink(person, thing)
        elif kind == "anonymous_id":
            state.objects.wait_no_more(value, thing)


def _relate_object(state: SimulatedState, thing: Thing, relationship: _Item, now: float) -> None:
    kind, value = named(relationship["identifiers"])
    attributes = relationship.get("relationship_attributes") or {}
    owner = state.anonymous.owner(value) if kind == "anonymous_id" else None
    if kind == "anonymous_id" and owner is None:
        return state.objects.wait_for(value, thing, attributes)
    person = owner or state.reach({kind: value}, now, "add_relationships")
    if person is not None:
        link(person, thing, attributes)
    return None
