"""The values that a message of upstream is read into, whatever its format: changes of users and of objects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

EventKind = Literal["event", "page", "screen", "viewed_content", "clicked_content", "metric"]
Fields = Mapping[str, Any]
"""An object of a message: its fields by name."""
ObjectOrigin = Literal["object", "group", "account"]


class Segment(NamedTuple):
    """An upstream segment. `key` never changes (its id where upstream has ids, else its name)."""

    key: str
    name: str


class Device(NamedTuple):
    """A device that push messages for a user go to, known by its token. `gone`: the user has it no more.

    platform is ios or android; last_used is unix seconds; attributes are what the app says about it.
    """

    token: str
    platform: str = ""
    last_used: int | None = None
    attributes: Mapping[str, Any] = {}
    gone: bool = False


class Relationship(NamedTuple):
    """The relationship of a user to an object. `gone`: it has ended.

    type and id name the object, see `ObjectChange`; attributes: those of the relationship that the message names.
    """

    type: str
    id: str
    attributes: Mapping[str, Any] = {}
    gone: bool = False
    origin: ObjectOrigin = "object"

    @property
    def key(self) -> str:
        """The object's key in the store, the same as `ObjectChange.key`."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One upstream message about one object (a company, a course), or what a user's message says about one.

    type, id      Customer.io's object_type_id, and the object's id: together they name it for good
    attributes    the object's attributes as upstream names them
    origin        what the change came with: a message about an object, a group call, the account of a user
    whole         as of a `Change`
    version       as of a `Change`, but of this object
    deleted       True where upstream has deleted the object: what it said before no longer counts
    left          True where upstream has it still, and it is not to be synced any more: the settings say what becomes
                  of it
    index, trace  as of a `Change`
    """

    type: str
    id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    origin: ObjectOrigin = "object"
    whole: bool = False
    version: int | None = None
    deleted: bool = False
    left: bool = False
    index: int | None = field(default=None, compare=False, repr=False)
    trace: str = field(default="", compare=False, repr=False)

    @property
    def key(self) -> str:
        """The object's key in the store."""
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Event:
    """An event: something that a user did.

    `id` is upstream's own id of the event, or None where it gives none; `occurred_at` is unix seconds, or None
    where upstream gives no time; `anonymous_id` is the visitor it was recorded for, where upstream says so.
    """

    id: str | None
    name: str
    kind: EventKind = "event"
    occurred_at: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    anonymous_id: str | None = None


class Original(NamedTuple):
    """A message as it came, and the form that it is in: what a replay needs of one that several changes stand for."""

    form: str
    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """One upstream message about one user.

    key           the key of the user upstream, the same in each message about them
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
                  message does not mention them
    deleted       True where upstream has deleted the user: whatever it said before is void
    suppressed    True where upstream wants the user deleted and blocked, False where they are to be free again; None
                  where the message does not mention it
    merged_into   the key of the user who survives a merge with this one; None where the message does not mention one
    original      the message whole, where several changes were read from it: an alias, or one that names `merges`
    call          the call of the Segment spec that it was read from, by which a sync's own actions read it anew;
                  None for other forms. Not a part of what is said: two changes that differ in it alone are equal
    relationships the objects that the user is related to: all where the change is whole, else those that changed; None
                  where the message does not mention them
    objects       what the message says about objects: it counts if the message has the user in the audience
    guess         True where the message may mean this user, or another one of whom it has a change too
    left_out      why fields of the message could not be taken, a sentence each; everything else of it counts
    presumed      the fields of `user` that the form takes to be so; another word on them counts, whatever its version
    echo          True where it is what Customer.io itself has reported (`origin`): it changes nothing
    index         its place in the list, the batch or the lines of its body, from 0; None where it stands alone
    trace         the traceparent that its message brought, where traces are told of; "" where it brought none
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
    original: Original | None = field(default=None, compare=False, repr=False)
    left_out: tuple[str, ...] = field(default=(), compare=False)
    presumed: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    index: int | None = field(default=None, compare=False, repr=False)
    guess: bool = field(default=False, compare=False)
    echo: bool = False
    trace: str = field(default="", compare=False, repr=False)

    @property
    def takes_away(self) -> bool:
        """Says whether it tells that the user no longer has some device or relationship."""
        return any(each.gone for each in self.devices or ()) or any(each.gone for each in self.relationships or ())


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that says nothing we can act on: it is kept as a problem with its reason, and its neighbours go on.

    index: its place in the list, the batch or the lines of its body, from 0; None for the whole body. form: the form
    that it was read as, by which it is replayed; "" where it was read as none.
    """

    reason: str
    message: Any
    index: int | None = field(default=None, compare=False)
    form: str = field(default="", compare=False)


Message = Change | ObjectChange | Unreadable
"""The values that a format makes of one message."""
