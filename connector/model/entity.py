"""A person as one row: what upstream said, what Customer.io was last confirmed to hold, and what is owed to it.

What Customer.io *should* hold is not stored but derived (`audience.desired`): messages may be partial and come late, so
the facts with their versions are what must be kept, and changed settings then apply to everybody without a rewrite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from connector.model.change import EventKind
from connector.model.versioned import Register

Kind = Literal["person", "object"]
OBJECT_ID = "object_id"
"""The type of an object's identifier. Its value is object_type_id/object_id: the one alone names nothing."""


class Identifier(NamedTuple):
    """How Customer.io knows a person: type is id, email, cio_id or anonymous_id. An object has OBJECT_ID."""

    type: str
    value: str

    def same_as(self, other: "Identifier") -> bool:
        """E-mail addresses compare without case, the others with it (reference: customerio-api, 7.1)."""
        if self.type == other.type == "email":
            return self.value.lower() == other.value.lower()
        return self == other


class Facts(NamedTuple):
    """What upstream has said about a user, as far as a sync wants to know it.

    attributes: by their Customer.io name, null = explicitly empty; segments: name by key, null = left; identity:
    identifier and email; traces: the last anonymous_id, and as `segments` the names at the last change that had the
    user in the audience, where who leaves is kept, and as `deleted` whether upstream deleted the user; and what
    `notices` keeps there. entered: whether the user has ever been in the audience.
    devices: by token, as Customer.io takes them, null = gone. relationships: see `relating`.
    """

    attributes: Register = Register()
    segments: Register = Register()
    identity: Register = Register()
    traces: Register = Register()
    entered: bool = False
    devices: Register = Register()
    relationships: Register = Register()

    def newest(self) -> int:
        """The newest version among all facts; 0 where none has one."""
        registers = (self.attributes, self.segments, self.identity, self.devices, self.relationships)
        return max([register.newest() or 0 for register in registers])


class Person(NamedTuple):
    """What Customer.io holds, or should hold: under which identifier, which attributes, which devices by token.

    former: identifiers the same user was delivered under before, not merged yet. relationships: their attributes by
    the key of the object. suppressed: nobody is held, and these identifiers are blocked. memberships: what is known of
    the manual segments they are in (`membership`); of a person who should be held it stands beside them.
    An object is held in the same form, with an identifier and attributes.
    """

    identifier: Identifier
    attributes: Mapping[str, Any]
    former: tuple[Identifier, ...] = ()
    devices: Mapping[str, Any] = {}
    relationships: Mapping[str, Any] = {}
    suppressed: bool = False
    memberships: Mapping[str, bool] = {}


@dataclass(frozen=True, slots=True)
class Tried:
    """What requests without an answer may have left in Customer.io, beyond what was delivered.

    Under which identifiers somebody may be there, which names attributes may have, which tokens devices, to which
    objects there may be a relationship; whether the identifiers may be suppressed.
    """

    identifiers: tuple[Identifier, ...] = ()
    names: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    relationships: frozenset[str] = frozenset()
    suppressed: bool = False

    def __or__(self, other: "Tried") -> "Tried":
        """Both together."""
        identifiers = tuple(dict.fromkeys((*self.identifiers, *other.identifiers)))
        return Tried(
            identifiers,
            self.names | other.names,
            self.tokens | other.tokens,
            self.relationships | other.relationships,
            self.suppressed or other.suppressed,
        )


NOTHING_TRIED = Tried()


@dataclass(frozen=True, slots=True)
class Entity:
    """One row: a person or an object.

    doubt counts requests whose answer never came; while it is not 0, `tried` is to be reckoned with. revision grows
    whenever the facts move, so that a settlement can tell whether what it sent is still the truth.
    """

    key: str
    facts: Facts = field(default_factory=Facts)
    delivered: Person | None = None
    tried: Tried = field(default_factory=Tried)
    doubt: int = 0
    revision: int = 0
    kind: Kind = "person"


def tried_besides(entity: Entity, person: Person | None) -> Tried:
    """What was tried, with `person` who is on the way: it must not be forgotten as facts move on."""
    tried = entity.tried
    if person is None:
        return tried
    return Tried(
        tuple(dict.fromkeys((*tried.identifiers, person.identifier))),
        tried.names | person.attributes.keys(),
        tried.tokens | person.devices.keys(),
        tried.relationships | person.relationships.keys(),
        tried.suppressed,
    )


@dataclass(frozen=True, slots=True)
class OwedEvent:
    """An event accepted, not confirmed yet. id: the ULID Customer.io de-duplicates by; occurred_at: unix seconds."""

    id: str
    kind: EventKind
    name: str
    properties: Mapping[str, Any]
    occurred_at: int | None = None
    anonymous_id: str | None = None
