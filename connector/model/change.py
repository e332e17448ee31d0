"""What upstream says about one user, whatever format it came in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

EventKind = Literal["event", "page", "screen"]
Origin = Literal["object", "group", "account"]


class Segment(NamedTuple):
    """An upstream segment. `key` names it for ever (its id where upstream has ids, else its name)."""

    key: str
    name: str


class Device(NamedTuple):
    """A device that a user can be pushed to, by its token. `gone`: it is not there any more, or not theirs.

    platform is ios or android; last_used is unix seconds; attributes are what the app says of it.
    """

    token: str
    platform: str = ""
    last_used: int | None = None
    attributes: Mapping[str, Any] = {}
    gone: bool = False


class Relationship(NamedTuple):
    """That a user is related to an object. `gone`: they are not any more.

    type and id name the object, see `ObjectChange`; attributes: those of the relationship that the message speaks of.
    """

    type: str
    id: str
    attributes: Mapping[str, Any] = {}
    gone: bool = False
    origin: Origin = "object"


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One upstream message about one object (a company, a course), or what a user's message says of one.

    type, id      Customer.io's object_type_id, and the object's id: together they name it for ever
    attributes    the object's attributes as upstream names them
    origin        what spoke of it: a message about an object, a group call, the account of a user
    whole         as of a `Change`
    version       as of a `Change`, but of this object
    deleted       True where upstream has deleted the object: whatever it said before is void
    left          True where upstream has it still, and it is not to be synced any more: the settings say what becomes
                  of it
    """

    type: str
    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = "object"
    whole: bool = False
    version: int | None = None
    deleted: bool = False
    left: bool = False

    @property
    def key(self) -> str:
        """The object's key in the store."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Event:
    """Something a user did.

    `id` is upstream's own id of the event, or None where it gives none; `occurred_at` is unix seconds, or None
    where upstream gives no time; `anonymous_id` is the visitor it was recorded for, where upstream says so.
    """

    id: str | None
    name: str
    kind: EventKind = "event"
    occurred_at: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    anonymous_id: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One upstream message about one user.

    key           who it is upstream, the same in each message about this user
    user          the user's attributes as upstream names them: flat ("plan", "traits_plan", "clearbit/employees")
                  or nested ({"traits": {"plan": ...}}); `mapping` finds an attribute in any of these forms
    account       the attributes of the user's account, {} where there is none
    whole         True where `user` and `account` are everything upstream knows: what is absent is gone.
                  False where they are only what changed: what is absent stays as it was
    segments      the user's whole membership after the change, or None where the message does not give it
    entered, left the membership as a difference, for upstreams that send no whole one
    version       grows with each change of this user (a counter, or a time in microseconds); None where upstream
                  gives none: then the order of arrival counts
    message_id    upstream's id of the message, where it has one: tells two events without an id apart
    devices       the user's devices: all of them where the change is whole, else those that changed; None where the
                  message does not speak of them
    deleted       True where upstream has deleted the user: whatever it said before is void
    suppressed    True where upstream wants the user deleted and blocked, False where they are to be free again; None
                  where the message does not speak of it
    merged_into   the key of the user whom this one turned out to be; None where the message does not speak of it
    call          the call of the Segment spec that it was read from, by which a sync's own actions read it anew;
                  None for other forms. Not a part of what is said: two changes that differ in it alone are equal
    relationships the objects that the user is related to: all where the change is whole, else those that changed; None
                  where the message does not speak of them
    objects       what the message says of objects beside the user: it counts where it has the user in the audience
    """

    key: str
    user: Mapping[str, Any]
    account: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    segments: tuple[Segment, ...] | None = None
    entered: tuple[Segment, ...] = ()
    left: tuple[Segment, ...] = ()
    events: tuple[Event, ...] = ()
    version: int | None = None
    anonymous_id: str | None = None
    message_id: str | None = None
    devices: tuple[Device, ...] | None = None
    deleted: bool = False
    relationships: tuple[Relationship, ...] | None = None
    objects: tuple[ObjectChange, ...] = ()
    suppressed: bool | None = None
    merged_into: str | None = None
    call: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that says nothing we can act on: kept as a problem with its reason, its neighbours go on."""

    reason: str
    message: Any


Message = Change | ObjectChange | Unreadable
"""What a format makes of one message."""
