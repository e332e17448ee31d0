"""A person as one row: what upstream said, what Customer.io was last confirmed to hold, and what is owed to it.

What Customer.io *should* hold is not stored but derived (`audience.desired`): messages may be partial and come late, so
the facts with their versions are what must be kept, and changed settings then apply to everybody without a rewrite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from connector.model.change import EventKind
from connector.model.lifecycle import Lifecycle
from connector.model.versioned import VersionedMap

EntityKind = Literal["person", "object"]
OBJECT_ID = "object_id"
"""The type of an object's identifier. Its value is object_type_id/object_id: neither alone names an object."""


class Identifier(NamedTuple):
    """An identifier in Customer.io: type is id, email, cio_id or anonymous_id for a person, OBJECT_ID for an object."""

    type: str
    value: str

    def same_as(self, other: "Identifier") -> bool:
        """Says whether two are the same: e-mail addresses whatever their case (docs/customerio.md#identity)."""
        if self.type == other.type == "email":
            return self.value.lower() == other.value.lower()
        return self == other


class Facts(NamedTuple):
    """The facts that upstream has told about a user, as far as a sync wants to know them.

    attributes: by their Customer.io name, null = explicitly empty; segments: name by key, null = left; identity:
    identifier and email; lifecycle: whether the user is deleted, suppressed or merged; entered: whether the user has
    ever been in the audience.
    devices: by token, as Customer.io takes them, null = gone. relationships: see `audience.relationships`.
    """

    attributes: VersionedMap = VersionedMap()
    segments: VersionedMap = VersionedMap()
    identity: VersionedMap = VersionedMap()
    lifecycle: Lifecycle = Lifecycle()
    entered: bool = False
    devices: VersionedMap = VersionedMap()
    relationships: VersionedMap = VersionedMap()

    def newest(self) -> int:
        """Returns the newest version among all facts; 0 where none has one."""
        newest = self.attributes.newest() or 0
        for register in (self.segments, self.identity, self.devices, self.relationships):
            at = (register.newest() if register.versions else register.snapshot) or 0
            newest = max(newest, at)
        return newest


class Profile(NamedTuple):
    """A person or an object as Customer.io holds it, or should: its identifier, attributes, and devices by token.

    former: identifiers the same user was delivered under before, not merged yet. relationships: their attributes by
    the key of the object. A device or a relationship that is null is one that upstream has taken away: it is not there.
    suppressed: nobody is held, and these identifiers are blocked. memberships: what is known of the manual segments
    they are in (`audience.manual_segments`); of a person who should be held it stands beside them.
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
class Unconfirmed:
    """The traces that requests without an answer may have left in Customer.io, beyond what was delivered.

    identifiers: under which somebody may be there; names: of attributes that may be set; tokens: of devices that may be
    there; relationships: objects to which there may be one; suppressed: the identifiers may be suppressed.
    """

    identifiers: tuple[Identifier, ...] = ()
    names: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    relationships: frozenset[str] = frozenset()
    suppressed: bool = False

    def __or__(self, other: "Unconfirmed") -> "Unconfirmed":
        """Returns both together."""
        identifiers = tuple(dict.fromkeys((*self.identifiers, *other.identifiers)))
        return Unconfirmed(
            identifiers,
            self.names | other.names,
            self.tokens | other.tokens,
            self.relationships | other.relationships,
            self.suppressed or other.suppressed,
        )


NOTHING_TRIED = Unconfirmed()


class Removals(NamedTuple):
    """The things that Customer.io has confirmed to have removed and does not hold now, whoever had brought them.

    deleted: identifiers under which nobody is any more; freed: identifiers that are suppressed no more; devices: tokens
    of devices; relationships: the keys of objects. By it a removal that upstream repeats is not sent again.
    """

    deleted: tuple[Identifier, ...] = ()
    freed: tuple[Identifier, ...] = ()
    devices: tuple[str, ...] = ()
    relationships: tuple[str, ...] = ()

    def knows(self, identifier: Identifier, *, freed: bool = False) -> bool:
        """Says whether nobody is known to be there under an identifier or, with `freed`, to be suppressed under it."""
        return any(identifier.same_as(each) for each in (self.freed if freed else self.deleted))


NOTHING_REMOVED = Removals()


@dataclass(frozen=True, slots=True)
class Entity:
    """One row: a person or an object.

    doubt counts requests whose answer never came; while it is not 0, `tried` is to be reckoned with. revision grows
    whenever the facts move, so that a settlement can tell whether what it sent is still the truth. unreadable: why the
    row could not be read, "" where it could; what could not be read is empty then, and nothing may be decided by it.
    removals: see there.
    """

    key: str
    facts: Facts = field(default_factory=Facts)
    delivered: Profile | None = None
    tried: Unconfirmed = field(default_factory=Unconfirmed)
    doubt: int = 0
    revision: int = 0
    kind: EntityKind = "person"
    unreadable: str = ""
    removals: Removals = NOTHING_REMOVED

    def moved(self, facts: Facts, tried: Unconfirmed) -> "Entity":
        """Returns the same with other facts, one revision later."""
        # Each field by itself: `replace` takes four times as long, and this is done for nearly every message.
        return Entity(
            self.key,
            facts,
            self.delivered,
            tried,
            self.doubt,
            self.revision + 1,
            self.kind,
            self.unreadable,
            self.removals,
        )


def tried_besides(entity: Entity, person: Profile | None) -> Unconfirmed:
    """Returns what was tried together with `person`, who is being sent: it must not be forgotten as facts change."""
    tried = entity.tried
    if person is None:
        return tried
    return Unconfirmed(
        tuple(dict.fromkeys((*tried.identifiers, person.identifier))),
        tried.names | person.attributes.keys(),
        tried.tokens | person.devices.keys(),
        tried.relationships | person.relationships.keys(),
        tried.suppressed,
    )


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An accepted event, not confirmed yet. id: the ULID Customer.io de-duplicates by; occurred_at: unix seconds."""

    id: str
    kind: EventKind
    name: str
    properties: Mapping[str, Any]
    occurred_at: int | None = None
    anonymous_id: str | None = None
