"""What other syncs of the workspace want of a person, so that this one takes none of it away.

Two syncs that deliver to one workspace share a person where they know them under one identifier. Each sends its own
attributes. Who leaves one of them stays as long as another wants them: only what nobody else sends is cleared.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeVar

from connector.audience.desired import Desired
from connector.model.entity import Entity, Identifier, Profile

_Each = TypeVar("_Each")


class WantedByOthers(NamedTuple):
    """What other syncs want of one person, and the names of these syncs.

    own: the identifiers by which they are to know the person; known: those by which they may know them beside these;
    mains: those of own that address the same user, under which Customer.io may have put what this sync had sent.
    names, tokens, relationships: the attributes, devices and keys of objects that they send. blocked: whether one of
    them keeps the person suppressed, and the others want nothing.
    """

    syncs: tuple[str, ...]
    own: tuple[Identifier, ...] = ()
    known: tuple[Identifier, ...] = ()
    names: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    relationships: frozenset[str] = frozenset()
    blocked: bool = False
    mains: tuple[Identifier, ...] = ()

    def __or__(self, other: "WantedByOthers") -> "WantedByOthers":
        """Returns what both want together."""
        return WantedByOthers(
            tuple(dict.fromkeys((*self.syncs, *other.syncs))),
            (*self.own, *other.own),
            (*self.known, *other.known),
            self.names | other.names,
            self.tokens | other.tokens,
            self.relationships | other.relationships,
            self.blocked and other.blocked,
            (*self.mains, *other.mains),
        )

    def knows(self, identifier: Identifier) -> bool:
        """Says whether others know, or may know, the person under an identifier."""
        return _among(identifier, (*self.own, *self.known))

    def is_one_of(self, identifiers: Iterable[Identifier]) -> bool:
        """Says whether others know a person by one of these identifiers, which belong to one person in Customer.io."""
        return any(map(self.knows, identifiers))

    def owns(self, identifier: Identifier) -> bool:
        """Says whether others are to know the person under an identifier from now on."""
        return _among(identifier, self.own)


def without(entity: Entity, desired: Desired, elsewhere: WantedByOthers) -> Entity:
    """Returns the entity without what this sync does not want and others do: it is theirs now, and stays."""
    person, there, tried = desired.person, entity.delivered, entity.tried
    names = elsewhere.names - (person.attributes.keys() if person else set())
    tokens = elsewhere.tokens - (person.devices.keys() if person else set())
    related = elsewhere.relationships - (person.relationships.keys() if person else set())
    tried = replace(
        tried,
        names=tried.names - names,
        tokens=tried.tokens - tokens,
        relationships=tried.relationships - related,
    )
    if there is not None:
        there = there._replace(
            attributes=_without(there.attributes, names),
            devices=_without(there.devices, tokens),
            relationships=_without(there.relationships, related),
        )
    return replace(entity, delivered=there, tried=tried)


def without_identifiers(entity: Entity, person: Profile, elsewhere: WantedByOthers) -> Entity:
    """Returns the entity without the identifiers that it leaves and others keep: nobody is merged or deleted there."""

    def left(identifiers: Iterable[Identifier]) -> tuple[Identifier, ...]:
        return tuple(one for one in identifiers if one.same_as(person.identifier) or not elsewhere.owns(one))

    there = entity.delivered
    if there is not None:
        there = there._replace(former=left(there.former)) if left((there.identifier,)) else None
    return replace(entity, delivered=there, tried=replace(entity.tried, identifiers=left(entity.tried.identifiers)))


def _among(identifier: Identifier, identifiers: Iterable[Identifier]) -> bool:
    return any(identifier.same_as(each) for each in identifiers)


def _without(values: Mapping[str, _Each], names: frozenset[str]) -> Mapping[str, _Each]:
    return {name: value for name, value in values.items() if name not in names} if names else values
