"""What one change does to what is known of a user: the facts move, events come to be owed.

Whatever the order in which changes arrive, how often, and in whatever batches: the facts end as if they had come
once each, by version.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from connector.audience import event_properties, mapping
from connector.audience import relationships as relating
from connector.audience.audience_status import AudienceStatus, standing_of
from connector.audience.dates import cast_within
from connector.audience.mapping import MappedFields
from connector.audience.rules import Rules
from connector.audience.suppression import noted
from connector.model import bounds, event_id, origin, times
from connector.model.change import Change, Device, Event, ObjectChange, Segment
from connector.model.entity import Facts, PendingEvent
from connector.model.lifecycle import Lifecycle
from connector.model.limits import EVENT_NAME_BYTES
from connector.model.problem import Problem
from connector.model.versioned import VersionedMap


class Skip(StrEnum):
    """The reason why an event is not forwarded."""

    NOT_ALLOWED = "not in the list of events"
    OUTSIDE = "the user is not in the audience"
    SUPPRESSED = "the user is suppressed"
    NO_IDENTIFIER = "the user has no identifier"
    NO_EMAIL = "the user has no e-mail"
    NO_ANONYMOUS_ID = "the user has neither identifier nor anonymous id"
    BAD_NAME = "the event's name is empty"
    ECHO = "it came from Customer.io"


@dataclass(frozen=True, slots=True)
class SkippedEvent:
    """An event that is not forwarded, and why."""

    name: str
    reason: Skip


class AppliedChange(NamedTuple):
    """The facts after a change, the status of the user then, the events owed because of it, and what was left out.

    objects: what the change says about objects, if it has the user in the audience; else those that it deletes.
    """

    facts: Facts
    standing: AudienceStatus
    stale: bool = False
    events: tuple[PendingEvent, ...] = ()
    skipped: tuple[SkippedEvent, ...] = ()
    problems: tuple[Problem, ...] = ()
    objects: tuple[ObjectChange, ...] = ()


def read_ahead(changes: Sequence[Change], rules: Rules, known: dict[int, MappedFields]) -> list[MappedFields | None]:
    """Returns what `merge` will read of each change that has the user in the audience by itself; None for others.

    Most of the work on a message needs no facts: done ahead, it is done outside the transaction. `known` has what was
    read of these changes by their place for a sync that reads alike (`Rules.reads`), and gets the rest.
    """
    ahead: list[MappedFields | None] = []
    repeated: dict[int, MappedFields] = {}
    for place, change in enumerate(changes):
        reading = None
        if change.segments is not None and rules.admits((segment.key, segment.name) for segment in change.segments):
            reading = known.get(place) or repeated.get(id(change)) or mapping.read(change, rules)
            known[place] = repeated[id(change)] = reading
        ahead.append(reading)
    return ahead


def says_nothing_new(change: Change, before: AppliedChange) -> bool:
    """Says whether the very change that came to `before`, right behind it, comes to the same once more.

    Without a version it would count as newer than itself. A problem may be one that only what is new brings.
    """
    return change.version is not None and not before.problems


def merge(
    facts: Facts, change: Change, rules: Rules, ahead: MappedFields | None = None, now: float = 0.0
) -> AppliedChange:
    """Applies a change to what is known of a user.

    Attributes move when the change itself has the user in the audience (its own segments, where it gives them), or
    where who left is not kept as last sent. Events pass when the change itself has the user in the audience.

    Args:
        facts: What is known of the user so far.
        change: What is told of them now.
        rules: The sync's rules.
        ahead: What `read_ahead` gave for the change; None reads it here.
        now: When the change came, in unix seconds.
    """
    if change.echo:
        return _echo(facts, change, rules)
    newest = facts.newest()
    version = newest if change.version is None else change.version
    if change.deleted:
        return _deleted(facts, change, version, rules, now)
    segments = _segments(facts.segments, change, version)
    inside = _inside(segments, change, rules)
    if change.merged_into is not None:
        return _merged(facts, change, version, inside, rules)
    if not inside and not facts.entered:
        return _outside(facts, segments, change, version, rules)
    attributes, identity, devices = facts.attributes, facts.identity, facts.devices
    lifecycle = noted(facts.lifecycle.spoken_of(version), change, version, rules, facts.identity.values)
    relationships, objects = facts.relationships, tuple[ObjectChange, ...]()
    problems: tuple[Problem, ...] = ()
    if inside or rules.on_exit != "keep":
        reading = ahead or mapping.read(change, rules)
        attributes = _moved(attributes, reading.attributes, version, whole=change.whole)
        identity = _moved(identity, reading.identity, version, whole=change.whole)
        lifecycle = _with_visitor(lifecycle, change, version, rules)
        lifecycle = _with_membership(lifecycle, segments, change, version, rules)
        if rules.segments_as.keeps_times:
            lifecycle = lifecycle.entered(_present(segments), times.entry(change.version, now))
        devices, bad_devices = _devices(devices, change, version)
        problems = reading.problems + bad_devices + _too_many_segments(segments, facts.segments, change, rules)
        if rules.objects:
            relationships, left_out = relating.moved(relationships, change, version, rules)
            objects, problems = _objects(change, inside, rules), problems + left_out
    elif change.takes_away:
        devices, relationships = _without_ended(facts, change, version, rules)
    moved = Facts(attributes, segments, identity, lifecycle, True, devices, relationships)
    stands = standing_of(moved, rules)
    owed, skipped, bad = _events(change, inside, stands, rules)
    return AppliedChange(moved, stands, version < newest, owed, skipped, problems + bad, objects)


def _echo(facts: Facts, change: Change, rules: Rules) -> AppliedChange:
    """Changes nothing: what Customer.io has reported, and upstream sends on, does not even say that the user exists."""
    skipped = tuple(SkippedEvent(event.name, Skip.ECHO) for event in change.events)
    return AppliedChange(facts, standing_of(facts, rules), skipped=skipped)


def _merged(facts: Facts, change: Change, version: int, inside: bool, rules: Rules) -> AppliedChange:
    """Notes that the user turned out to be another one. What the message calls them says nothing of what they are."""
    lifecycle = noted(facts.lifecycle.spoken_of(version), change, version, rules, facts.identity.values)
    moved = facts._replace(lifecycle=lifecycle, entered=facts.entered or inside)
    return AppliedChange(moved, standing_of(moved, rules), version < facts.newest())


def _outside(facts: Facts, segments: VersionedMap, change: Change, version: int, rules: Rules) -> AppliedChange:
    """Applies a change to somebody who never was in the audience.

    Of snapshots only the version is kept, for the order; parts are kept whole, since the message that brings the user
    in may be older and come later.
    """
    attributes, identity = facts.attributes, facts.identity
    devices, relationships = facts.devices, facts.relationships
    kept = rules.on_exit == "keep" and segments.newest() is not None
    if kept:
        pass  # known to be outside: with on_exit = "keep" the person stays as the last change inside had them
    elif change.whole:
        devices = devices if change.devices is None else devices.replaced({}, version)
        attributes, identity = (each.replaced({}, version) for each in (attributes, identity))
    elif change.user or change.account or change.devices:
        devices, _ = _devices(devices, change, version)
        reading = mapping.read(change, rules)
        attributes, identity = (
            attributes.updated(reading.attributes, version),
            identity.updated(reading.identity, version),
        )
    if rules.objects and not kept:
        relationships = relating.moved_outside(relationships, change, version, rules)
    if change.takes_away:
        before = facts._replace(devices=devices, relationships=relationships)
        devices, relationships = _without_ended(before, change, version, rules)
        identity = identity.updated(mapping.identity(change, rules), version)
    lifecycle = noted(facts.lifecycle.spoken_of(version), change, version, rules, facts.identity.values)
    lifecycle = _with_visitor(lifecycle, change, version, rules)
    skipped = tuple(SkippedEvent(event.name, Skip.OUTSIDE) for event in change.events)
    moved = Facts(attributes, segments, identity, lifecycle, devices=devices, relationships=relationships)
    return AppliedChange(moved, standing_of(moved, rules), skipped=skipped, objects=_objects(change, False, rules))


def _objects(change: Change, inside: bool, rules: Rules) -> tuple[ObjectChange, ...]:
    """Returns what the change says about objects: of a user outside the audience only which are deleted."""
    if not rules.objects or not (inside or change.objects):
        return ()
    return tuple(each for each in relating.objects(change, rules) if inside or each.deleted)


def _deleted(facts: Facts, change: Change, version: int, rules: Rules, now: float) -> AppliedChange:
    """Applies a deletion by upstream: all that was said before is void, what is newer stays."""
    newest = facts.newest()
    registers = (facts.attributes, facts.segments, facts.identity, facts.devices)
    attributes, segments, identity, devices = (register.replaced({}, version) for register in registers)
    relationships = facts.relationships.replaced({}, version) if rules.objects else facts.relationships
    lifecycle = facts.lifecycle
    if version >= newest:
        called = {**facts.identity.values, **mapping.identity(change, rules)}
        named = rules.addressing.all_named(called) or lifecycle.deleted_identifiers
        lifecycle = lifecycle.deleted_at(version, named, rules.addressing.also_named(called))
    lifecycle = noted(lifecycle, change, version, rules)
    if rules.segments_as.keeps_times:
        lifecycle = lifecycle.entered(_present(segments), times.entry(change.version, now))
    moved = Facts(attributes, segments, identity, lifecycle, facts.entered, devices, relationships)
    return AppliedChange(moved, standing_of(moved, rules), version < newest)


def _inside(segments: VersionedMap, change: Change, rules: Rules) -> bool:
    if change.segments is None:
        return rules.admits(segments.values.items())
    return rules.admits((segment.key, segment.name) for segment in change.segments)


def _segments(register: VersionedMap, change: Change, version: int) -> VersionedMap:
    if change.segments is not None:
        return register.replaced(_names(change.segments), version)
    if not change.entered and not change.left:
        return register
    left = dict.fromkeys((segment.key for segment in change.left), None)
    return register.updated({**left, **_names(change.entered)}, version)


def _names(segments: tuple[Segment, ...]) -> dict[str, Any]:
    return {segment.key: segment.name for segment in segments}


def _with_visitor(lifecycle: Lifecycle, change: Change, version: int, rules: Rules) -> Lifecycle:
    """Keeps the anonymous id for the identify: without it, events sent under the id do not join the person."""
    anonymous_id = change.anonymous_id or _of_events(change)
    if not rules.anonymous_events or anonymous_id is None:
        return lifecycle
    return lifecycle.visited(anonymous_id, version)


def _with_membership(
    lifecycle: Lifecycle, segments: VersionedMap, change: Change, version: int, rules: Rules
) -> Lifecycle:
    """Keeps the segments at a change that has the user in the audience: a person who is kept goes on showing them."""
    if rules.on_exit != "keep":
        return lifecycle
    if change.segments is not None and not segments.versions:
        return lifecycle.kept_with(sorted(segment.name for segment in change.segments), version)
    at = segments.newest()
    return lifecycle if at is None else lifecycle.kept_with(_present(segments), at)


def _present(segments: VersionedMap) -> list[str]:
    return sorted(name for name in segments.values.values() if name is not None)


def _of_events(change: Change) -> str | None:
    return next((event.anonymous_id for event in reversed(change.events) if event.anonymous_id), None)


def _moved(register: VersionedMap, values: dict[str, Any], version: int, *, whole: bool) -> VersionedMap:
    if whole:
        return register.replaced(values, version)
    return register.updated(values, version) if values else register


def _without_ended(facts: Facts, change: Change, version: int, rules: Rules) -> tuple[VersionedMap, VersionedMap]:
    """Returns devices and relationships without those that the change takes away, also for users outside."""
    devices = facts.devices.updated(_gone(change), version)
    return devices, relating.without_ended(facts.relationships, change, version, rules)


def _gone(change: Change) -> dict[str, Any]:
    return {each.token: None for each in change.devices or () if each.gone}


def _devices(register: VersionedMap, change: Change, version: int) -> tuple[VersionedMap, tuple[Problem, ...]]:
    """Returns the devices after a change, and what was left out of them."""
    if change.devices is None:
        return register, ()
    problems: list[Problem] = []
    told = {each.token: None if each.gone else _device(each, change.key, problems) for each in change.devices}
    if not change.whole:
        return _moved(register, told, version, whole=False), tuple(problems)
    there = {token: device for token, device in told.items() if device is not None}
    return register.replaced(there, version).updated(_gone(change), version), tuple(problems)


def _device(device: Device, key: str, problems: list[Problem]) -> dict[str, Any]:
    """Returns a device as Customer.io takes it, but for its token (docs/customerio.md#devices)."""
    attributes, faults = bounds.fitting(device.attributes)
    reason = "the attribute {!r} of a device {}: it is left out"
    problems += [Problem("attribute", key, reason.format(name[:40], why)) for name, why in faults.items()]
    said = {"platform": device.platform, "last_used": device.last_used, "attributes": dict(attributes) or None}
    return {name: value for name, value in said.items() if value is not None}


def _too_many_segments(
    segments: VersionedMap, before: VersionedMap, change: Change, rules: Rules
) -> tuple[Problem, ...]:
    if segments.values == before.values:
        return ()
    return rules.segments_as.problems([name for name in segments.values.values() if name is not None], change.key)


def _events(
    change: Change, inside: bool, stands: AudienceStatus, rules: Rules
) -> tuple[tuple[PendingEvent, ...], tuple[SkippedEvent, ...], tuple[Problem, ...]]:
    owed: list[PendingEvent] = []
    skipped: list[SkippedEvent] = []
    problems: list[Problem] = []
    for index, event in enumerate(change.events):
        anonymous_id = event.anonymous_id or change.anonymous_id
        reason = _skip(event, anonymous_id, inside, stands, rules)
        if reason is None:
            made, faults = _owed(event, anonymous_id, change, index, rules)
            owed.append(made)
            problems += [_left_out(event, name, why, change) for name, why in faults.items()]
            problems += _cut(event, made.name, change)
            continue
        skipped.append(SkippedEvent(event.name, reason))
        if reason is Skip.BAD_NAME:
            problems.append(Problem("event", change.key, f"{reason}: {event.name[:40]!r} is not sent"))
    return tuple(owed), tuple(skipped), tuple(problems)


def _skip(event: Event, anonymous_id: str | None, inside: bool, stands: AudienceStatus, rules: Rules) -> Skip | None:
    if stands is AudienceStatus.SUPPRESSED or not inside:
        return Skip.OUTSIDE if stands is not AudienceStatus.SUPPRESSED else Skip.SUPPRESSED
    if origin.is_marked(event.properties) or not rules.allows(event.kind, event.name):
        return Skip.ECHO if origin.is_marked(event.properties) else Skip.NOT_ALLOWED
    if not event.name.strip():
        return Skip.BAD_NAME
    if not stands.unaddressed:
        return None
    if not rules.anonymous_events:
        return Skip.NO_IDENTIFIER if stands is AudienceStatus.NO_IDENTIFIER else Skip.NO_EMAIL
    return None if anonymous_id or event.properties.get("recipient") else Skip.NO_ANONYMOUS_ID


def _left_out(event: Event, name: str, why: str, change: Change) -> Problem:
    reason = f"the property {name[:40]!r} of the event {event.name[:40]!r} {why}: it is left out"
    return Problem("event", change.key, reason)


def _owed(
    event: Event, anonymous_id: str | None, change: Change, index: int, rules: Rules
) -> tuple[PendingEvent, Mapping[str, str]]:
    """Returns the event with its properties as the settings want them, and why others are left out.

    Its id comes from what upstream said, before the settings' steps.
    """
    said, faults = bounds.fitting(event.properties)
    properties, not_made = _made(said, event, rules)
    kept = replace(event, properties=said) if faults else event
    owed = PendingEvent(
        id=event_id.of_event(kept, change.key, change.message_id, index),
        kind=event.kind,
        name=_fitting(event.name.strip()),
        properties=properties,
        occurred_at=event.occurred_at,
        anonymous_id=anonymous_id,
    )
    return owed, {**faults, **not_made} if faults or not_made else faults


def _made(said: Mapping[str, Any], event: Event, rules: Rules) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Returns the properties that an event says, as the settings want them, and why others are left out."""
    properties, faults, texts = said, dict[str, str](), frozenset[str]()
    steps = rules.event_transforms.of_event(event.kind, event.name) if rules.event_transforms else None
    if steps:
        properties, faults = event_properties.transformed(properties, steps)
        texts = frozenset(property for property, each in steps.items() if each.stays_text)
    if rules.dates.events:
        properties = {
            property: value if property in texts else cast_within(value, property)
            for property, value in properties.items()
        }
    return properties, faults


def _cut(event: Event, name: str, change: Change) -> Iterator[Problem]:
    if name != event.name.strip():
        reason = f"the name of the {event.kind} exceeds {EVENT_NAME_BYTES} bytes: it is sent as {name!r}"
        yield Problem("event", change.key, reason)


def _fitting(name: str) -> str:
    """Returns the name as Customer.io takes it. A longer one is cut, as the URL of a page may be; a problem says so."""
    return name if len(name) * 4 <= EVENT_NAME_BYTES else name.encode()[:EVENT_NAME_BYTES].decode(errors="ignore")
