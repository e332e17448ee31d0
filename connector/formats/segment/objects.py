"""Objects and relationships in calls of the Segment spec: group calls, identify calls and two events.

The names are those of docs/customerio.md#semantic-events. The rest of a call is read by
`formats.segment.calls`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from connector.errors import UnreadableError
from connector.formats.relationships import object_id, relationship, type_id
from connector.model.change import Fields, ObjectChange, Relationship

OBJECT_DELETED = "Object Deleted"
RELATIONSHIP_DELETED = "Relationship Deleted"
_TYPES = ("object_type_id", "objectTypeId")
_IDS = ("object_id", "objectId", "groupId", "group_id")
_RELATIONSHIP = ("relationshipAttributes", "relationship_attributes")
_NOT_OF_THE_OBJECT = frozenset((*_TYPES, *_RELATIONSHIP))


class GroupFacts(NamedTuple):
    """What a call says about the user's relationships, objects that come with the user, and objects alone."""

    relationships: tuple[Relationship, ...] | None = None
    objects: tuple[ObjectChange, ...] = ()
    alone: tuple[ObjectChange, ...] = ()


def read(type: str, call: Fields, version: int | None) -> GroupFacts:
    """Returns what a call says about objects. Raises UnreadableError where it names one that cannot exist."""
    reader = _READERS.get(type)
    return GroupFacts() if reader is None else reader(call, version)


def _group(call: Fields, version: int | None) -> GroupFacts:
    """Reads the object, and the user's relationship to it."""
    traits = _object(call, "traits")
    type, id = type_id(_first(traits, _TYPES)), object_id(call.get("groupId"))
    own = {name: value for name, value in traits.items() if name not in _NOT_OF_THE_OBJECT}
    about = ObjectChange(type, id, own, "group", version=version)
    return GroupFacts((relationship(type, id, _first(traits, _RELATIONSHIP), origin="group"),), (about,))


def _identify(call: Fields, _version: int | None) -> GroupFacts:
    """Reads a list of relationships, or an object with an action and such a list; else the group of the context."""
    context, given = _object(call, "context"), _object(call, "traits").get("cio_relationships")
    if given is None:
        id = context.get("groupId")
        return GroupFacts() if id is None else GroupFacts((relationship(_first(context, _TYPES), id, origin="group"),))
    gone = isinstance(given, dict) and given.get("action") == "delete_relationships"
    listed = given.get("relationships") if isinstance(given, dict) else given
    if not isinstance(listed, list):
        raise UnreadableError("the cio_relationships of the traits are neither a list nor hold one")
    return GroupFacts(tuple(_passed(each, gone=gone) for each in listed))


def _passed(given: object, *, gone: bool) -> Relationship:
    identifiers = given.get("identifiers") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not isinstance(identifiers, dict):
        raise UnreadableError("a relationship of the traits has no identifiers")
    type, id = _first(identifiers, _TYPES), _first(identifiers, _IDS)
    return relationship(type, id, _first(given, _RELATIONSHIP), gone=gone, origin="group")


def _track(call: Fields, version: int | None) -> GroupFacts:
    """Reads the events that end a relationship, or delete an object. One that names none is an event like others."""
    event = call.get("event")
    if event == RELATIONSHIP_DELETED:
        ended = tuple(relationship(type, id, gone=True, origin="group") for type, id in _named(call))
        return GroupFacts(ended or None)
    if event != OBJECT_DELETED:
        return GroupFacts()
    return GroupFacts(alone=tuple(_deleted(type, id, version) for type, id in _named(call)))


def _deleted(type: object, id: object, version: int | None) -> ObjectChange:
    return ObjectChange(type_id(type), object_id(id), {}, "group", version=version, deleted=True)


_READERS: Mapping[str, Callable[[Fields, int | None], GroupFacts]] = {
    "group": _group,
    "identify": _identify,
    "track": _track,
}


def _named(call: Fields) -> Iterator[tuple[object, object]]:
    """Yields the type and id of the object that an event names."""
    properties, context = _object(call, "properties"), _object(call, "context")
    id = next((each for place in (properties, context, call) if (each := _first(place, _IDS)) is not None), None)
    if id is not None:
        yield _first(properties, _TYPES), id


def _object(call: Fields, name: str) -> Fields:
    value = call.get(name)
    return value if isinstance(value, dict) else {}


def _first(given: Fields, names: tuple[str, ...]) -> Any:
    """Returns what stands under the first of the names that has something."""
    return next((given[name] for name in names if given.get(name) is not None), None)
