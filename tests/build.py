"""Builders for tests: each gives something valid, and takes what the test is about."""

from collections.abc import Iterable, Mapping
from typing import Any

from hypothesis import settings

from connector.audience import desired as audience
from connector.audience.apply_change import merge
from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.audience.rules import Rules
from connector.customerio.operations.operation import Operation
from connector.model.change import Change, Event, Segment
from connector.model.entity import Facts, Identifier, PendingEvent, Profile
from connector.planning.step import Step
from connector.settings.schema import Sync
from tests.budget import examples

PAYING = Segment("s-1", "Paying")
TRIAL = Segment("s-2", "Trial")
STAFF = Segment("s-3", "Staff")
OCTOBER = 1_790_812_800  # 2026-10-01T00:00:00Z

thorough = settings(max_examples=examples(40))
"""For properties that a few more examples are worth."""


def rules(**given: Any) -> Rules:
    """The rules of a sync of paying users, with the settings that the test is about."""
    settings = {"name": "main", "connection": "main", "segments": ("Paying",), "attributes": ("plan",), **given}
    return Rules.of(Sync(**settings))


def change(version: int | None = 1, key: str = "u-1", **given: Any) -> Change:
    """A message about a user known as 1001 that says only what changed, unless told otherwise."""
    return Change(**{"key": key, "user": {"external_id": "1001"}, "version": version, **given})


def snapshot(version: int | None, *segments: Segment, events: Iterable[Event] = (), **user: Any) -> Change:
    """A message with everything that upstream knows of the user: attributes and membership."""
    user = {"external_id": "1001", **user}
    return change(version, user=user, whole=True, segments=segments, events=tuple(events))


def said(version: int | None, **user: Any) -> Change:
    """A message with some attributes, and no word on the others or on the membership."""
    return change(version, user=user)


def moved(version: int, *entered: Segment, left: Iterable[Segment] = ()) -> Change:
    """A message that says only which segments the user entered and left."""
    return change(version, user={}, entered=entered, left=tuple(left))


def event(name: str = "Signed up", id: str | None = "e-1", **given: Any) -> Event:
    """Something that a user did."""
    return Event(**{"id": id, "name": name, "occurred_at": OCTOBER, **given})


def owed(id: str = "01A", **given: Any) -> PendingEvent:
    """An accepted event that waits to be sent."""
    values = {"kind": "event", "name": "Signed up", "properties": {}, "occurred_at": OCTOBER}
    return PendingEvent(**{"id": id, **values, **given})


def ident(value: str, type: str = "id") -> Identifier:
    """An identifier, by Customer.io's `id` unless told otherwise."""
    return Identifier(type, value)


def person(value: str = "1001", *former: str, **attributes: Any) -> Profile:
    """A person known by an id, and formerly by others."""
    return Profile(ident(value), attributes, tuple(map(ident, former)))


def wanted(person: Profile | None, standing: AudienceStatus = AudienceStatus.IN) -> Desired:
    """What Customer.io should hold."""
    return Desired(standing, person)


def after(changes: Iterable[Change], under: Rules) -> Facts:
    """The facts after these changes, in this order."""
    facts = Facts()
    for each in changes:
        facts = merge(facts, each, under).facts
    return facts


def sent_of(changes: Iterable[Change], under: Rules) -> dict[str, Any]:
    """The attributes that Customer.io should hold after these changes, nulls among them."""
    return dict(audience.person(after(changes, under), under).attributes)


def without_nulls(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that a person has in Customer.io: null is the same as not there."""
    return {name: value for name, value in attributes.items() if value is not None}


def actions(step: Step) -> list[str]:
    """What the operations of a step do, in order."""
    return [action(each) for each in step.operations]


def action(operation: Operation) -> str:
    """What an operation does; an event without anybody has no action on the wire."""
    return str(operation.item.get("action", "invite"))
