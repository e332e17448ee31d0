"""A change in the making: what the actions of one sync make of one call."""

from dataclasses import dataclass, field, replace
from typing import Any

from connector.formats.reading import object_in
from connector.formats.segment.calls import occurred_at, presumed, user_of
from connector.model.change import Change, Device, Event, EventKind, Fields, ObjectChange, Relationship, Segment


@dataclass(slots=True)
class Draft:
    """What the actions have done so far. `change` is the call as it is read without actions: its user, version and ids.

    beneath: attributes that count where the traits have none.
    """

    change: Change
    call: Fields
    beneath: dict[str, Any] = field(default_factory=dict)
    traits: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    devices: dict[str, Device] = field(default_factory=dict)
    moves: dict[str, tuple[Segment, bool]] = field(default_factory=dict)
    objects: list[ObjectChange] = field(default_factory=list)
    relationships: list[Relationship] = field(default_factory=list)
    deleted_objects: dict[str, ObjectChange] = field(default_factory=dict)
    deleted: bool = False
    suppressed: bool | None = None

    @property
    def context(self) -> Fields:
        """The context of the call."""
        return object_in(self.call, "context")

    @property
    def at(self) -> int | None:
        """The time at which it happened, in unix seconds."""
        return occurred_at(self.call, self.change)

    def move(self, segment: Segment, *, inside: bool) -> None:
        """Notes that the user enters or leaves a segment; the last word on it counts."""
        self.moves[segment.key] = (segment, inside)

    def delete_object(self, told: ObjectChange) -> None:
        """Notes that the object is deleted, whatever else the call says of it."""
        self.deleted_objects[told.key] = told

    def event(self, kind: EventKind, name: str, properties: Fields, id: str | None, at: int | None) -> None:
        """Adds something that the user did.

        Without an id of its own it has the message's. Customer.io counts an id once, so an event that the call does
        not tell of by itself has its name in it too.

        Args:
            kind: What sort of event it is: an event, a page or a screen.
            name: The name of the event.
            properties: What it says; JSON.
            id: Its id; None if it has none of its own.
            at: When it happened, in unix seconds; None for the time of the call.
        """
        told = any((each.kind, each.name) == (kind, name) for each in self.change.events)
        if id is None and self.change.message_id is not None:
            id = self.change.message_id if told else f"{self.change.message_id}:{kind}:{name}"
        happened = self.at if at is None else at
        self.events.append(Event(id, name, kind, happened, properties, self.change.anonymous_id))

    def made(self) -> Change:
        """Returns the change. If it deletes the user it says nothing else about them."""
        void = Draft(self.change, self.call)
        said = void.said(object_in(self.context, "traits")) if self.deleted or self.suppressed is not None else {}
        if self.deleted:
            return replace(self.change, **said, deleted=True)
        if self.suppressed is not None:
            return replace(self.change, **said, deleted=False, suppressed=self.suppressed)
        traits = {**self.beneath, **object_in(self.context, "traits"), **self.traits}
        return replace(self.change, **self.said(traits), deleted=False, suppressed=None)

    def said(self, traits: Fields) -> dict[str, Any]:
        """Returns the fields of the change that follow from what is done, with these traits of the user."""
        return {
            "user": user_of(self.call, traits, self.change.anonymous_id),
            "presumed": presumed(self.call, traits),
            "account": self.account,
            "entered": self._moved(inside=True),
            "left": self._moved(inside=False),
            "events": tuple(self.events),
            "devices": tuple(self.devices.values()) or None,
            "objects": (*self._objects(), *self.deleted_objects.values()),
            "relationships": self._relationships(),
        }

    def _objects(self) -> list[ObjectChange]:
        told = (*self.change.objects, *self.objects)
        return [each for each in told if each.key not in self.deleted_objects]

    def _relationships(self) -> tuple[Relationship, ...] | None:
        told = (*(self.change.relationships or ()), *self.relationships)
        kept = tuple(each for each in told if each.key not in self.deleted_objects)
        return kept or (None if told else self.change.relationships)

    def _moved(self, *, inside: bool) -> tuple[Segment, ...]:
        return tuple(segment for segment, entered in self.moves.values() if entered is inside)
