"""What one change does to what is known of a user: the facts move, events come to be owed.

Whatever the order in which changes arrive, how often, and in whatever batches: the facts end as if they had come
once each, by version.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from connector import mapping, notices, relating, ulid
from connector.audience import DELETED, Standing, standing
from connector.model.change import Change, Device, Event, ObjectChange, Segment
from connector.model.entity import Facts, OwedEvent
from connector.mapping import Reading
from connector.model.problem import Problem
from connector.model.versioned import Register
from connector.audience.rules import Rules

EVENT_NAME_BYTES = 100


class Skip(StrEnum):
    """Why an event is not forwarded."""

    NOT_ALLOWED = "not in the list of events"
    OUTSIDE = "the user is not in the audience"
    SUPPRESSED = "the user is suppressed"
    NO_IDENTIFIER = "the user has no identifier"
    NO_EMAIL = "the user has no e-mail"
    NO_ANONYMOUS_ID = "the user has neither identifier nor anonymous id"
    BAD_NAME = "the event's name is empty or over 100 bytes"


@dataclass(frozen=True, slots=True)
class SkippedEvent:
    """An event that is not forwarded, and why."""

    name: str
    reason: Skip


class Merged(NamedTuple):
    """The facts after a change, how the user stands then, the events owed because of it, and what was left out.

    objects: what the change says of objects, where it has the user in the audience.
    """

    facts: Facts
    standing: Standing
    stale: bool = False
    events: tuple[OwedEvent, ...] = ()
    skipped: tuple[SkippedEvent, ...] = ()
    problems: tuple[Problem, ...] = ()
    objects: tuple[ObjectChange, ...] = ()


def read_ahead(change: Change, rules: Rules) -> Reading | None:
    """What `merge` will read of a change that has the user in the audience by itself; None for others.

    Most of the work on a message needs no facts: done ahead, it is done outside the transaction.
    """
    if change.segments is None or not rules.admits((segment.key, segment.name) for segment in change.segments):
        return None
    return mapping.read(change, rules)


def merge(facts: Facts, change: Change, rules: Rules, ahead: Reading | None = None) -> Merged:
    """What `change` makes of `facts`; `ahead` is what `read_ahead` gave for it.

    Attributes move when the change itself has the user in the audience (its own segments, where it gives them), or
    where who left is not kept as last sent. Events pass when the change itself has the user in the audience.
    """
    newest = facts.newest()
    version = newest if change.version is None else change.version
    if change.deleted:
        return _deleted(facts, change, version, newest, rules)
    segments = _segments(facts.segments, change, version)
    inside = _inside(segments, change, rules)
    if not inside and not facts.entered:
        return _outside(facts, segments, change, version, rules)
    attributes, identity, devices = facts.attributes, facts.identity, facts.devices
    traces = notices.noted(_alive(facts.traces, version), change, version, rules)
    relationships, objects = facts.relationships, tuple[ObjectChange, ...]()
    problems: tuple[Problem, ...] = ()
    if inside or rules.on_exit != "keep":
        reading = ahead or mapping.read(change, rules)
        attributes = _moved(attributes, reading.attributes, version, whole=change.whole)
        identity = _moved(identity, reading.identity, version, whole=change.whole)
        traces = _with_membership(_with_visitor(traces, change, version, rules), segments, change, version, rules)
        devices = _devices(devices, change, version)
        problems = reading.problems + _too_many_segments(segments, facts.segments, change, rules)
        if rules.objects:
            relationships, left_out = relating.moved(relationships, change, version, rules)
            objects, problems = tuple(relating.objects(change, rules)) if inside else (), problems + left_out
    moved = Facts(attributes, segments, identity, traces, True, devices, relationships)
    stands = standing(moved, rules)
    owed, skipped, bad = _events(change, inside, stands, rules)
    return Merged(moved, stands, version < newest, owed, skipped, problems + bad, objects)


def _outside(facts: Facts, segments: Register, change: Change, version: int, rules: Rules) -> Merged:
    """Somebody who never was in the audience.

    Of snapshots only the version is kept, for the order; parts are kept whole, since the message that brings the user
    in may be older and come later.
    """
    attributes, identity = facts.attributes, facts.identity
    devices, relationships = facts.devices, facts.relationships
    if rules.on_exit == "keep" and segments.newest() is not None:
        pass  # known to be outside: who is kept later is kept as the last change inside had them
    elif change.whole:
        devices = devices if change.devices is None else devices.replaced({}, version)
        attributes, identity = (each.replaced({}, version) for each in (attributes, identity))
    elif change.user or change.account or change.devices:
        devices = _devices(devices, change, version)
        reading = mapping.read(change, rules)
        attributes, identity = (
            attributes.updated(reading.attributes, version),
            identity.updated(reading.identity, version),
        )
    if rules.objects and not (rules.on_exit == "keep" and segments.newest() is not None):
        relationships = relating.moved_outside(relationships, change, version, rules)
    traces = notices.noted(_alive(facts.traces, version), change, version, rules)
    traces = _with_visitor(traces, change, version, rules)
    skipped = tuple(SkippedEvent(event.name, Skip.OUTSIDE) for event in change.events)
    moved = Facts(attributes, segments, identity, traces, devices=devices, relationships=relationships)
    return Merged(moved, standing(moved, rules), skipped=skipped)


def _deleted(facts: Facts, change: Change, version: int, newest: int, rules: Rules) -> Merged:
    """Upstream has deleted the user: all that was said before is void, what is newer stays."""
    registers = (facts.attributes, facts.segments, facts.identity, facts.devices)
    attributes, segments, identity, devices = (register.replaced({}, version) for register in registers)
    relationships = facts.relationships.replaced({}, version) if rules.objects else facts.relationships
    traces = facts.traces.updated({DELETED: True}, version) if version >= newest else facts.traces
    traces = notices.noted(traces, change, version, rules)
    moved = Facts(attributes, segments, identity, traces, facts.entered, devices, relationships)
    return Merged(moved, standing(moved, rules), version < newest)


def _alive(traces: Register, version: int) -> Register:
    """Of whom upstream speaks again, they are there again."""
    return traces.updated({DELETED: None}, version) if DELETED in traces.values else traces


def _inside(segments: Register, change: Change, rules: Rules) -> bool:
    if change.segments is None:
        return rules.admits(segments.values.items())
    return rules.admits((segment.key, segment.name) for segment in change.segments)


def _segments(register: Register, change: Change, version: int) -> Register:
    if change.segments is not None:
        return register.replaced(_names(change.segments), version)
    if not change.entered and not change.left:
        return register
    left = dict.fromkeys((segment.key for segment in change.left), None)
    return register.updated({**left, **_names(change.entered)}, version)


def _names(segments: tuple[Segment, ...]) -> dict[str, Any]:
    return {segment.key: segment.name for segment in segments}


def _with_visitor(traces: Register, change: Change, version: int, rules: Rules) -> Register:
    """Events sent under an anonymous id join the person only if identify carries it: it outlives a silent message."""
    anonymous_id = change.anonymous_id or _of_events(change)
    if not rules.anonymous_events or anonymous_id is None:
        return traces
    return traces.updated({"anonymous_id": anonymous_id}, version)


def _with_membership(traces: Register, segments: Register, change: Change, version: int, rules: Rules) -> Register:
    """The segments at this change, which has the user in the audience: what somebody kept goes on showing."""
    if rules.on_exit != "keep":
        return traces
    if change.segments is not None and not segments.versions:
        return traces.updated({"segments": sorted(segment.name for segment in change.segments)}, version)
    at = segments.newest()
    return traces if at is None else traces.updated({"segments": _present(segments)}, at)


def _present(segments: Register) -> list[str]:
    return sorted(name for name in segments.values.values() if name is not None)


def _of_events(change: Change) -> str | None:
    return next((event.anonymous_id for event in reversed(change.events) if event.anonymous_id), None)


def _moved(register: Register, values: dict[str, Any], version: int, *, whole: bool) -> Register:
    if whole:
        return register.replaced(values, version)
    return register.updated(values, version) if values else register


def _devices(register: Register, change: Change, version: int) -> Register:
    if change.devices is None:
        return register
    told = {each.token: None if each.gone else _device(each) for each in change.devices}
    if change.whole:
        told = {token: device for token, device in told.items() if device is not None}
    return _moved(register, told, version, whole=change.whole)


def _device(device: Device) -> dict[str, Any]:
    """A device as Customer.io takes it, but for its token (reference: customerio-api, 2.2)."""
    said = {"platform": device.platform, "last_used": device.last_used, "attributes": device.attributes or None}
    return {name: value for name, value in said.items() if value is not None}


def _too_many_segments(segments: Register, before: Register, change: Change, rules: Rules) -> tuple[Problem, ...]:
    if not rules.segment_attribute or segments.values == before.values:
        return ()
    return mapping.segment_names(_present(segments), change.key)[1]


def _events(
    change: Change, inside: bool, stands: Standing, rules: Rules
) -> tuple[tuple[OwedEvent, ...], tuple[SkippedEvent, ...], tuple[Problem, ...]]:
    owed: list[OwedEvent] = []
    skipped: list[SkippedEvent] = []
    problems: list[Problem] = []
    for index, event in enumerate(change.events):
        anonymous_id = event.anonymous_id or change.anonymous_id
        reason = _skip(event, anonymous_id, inside, stands, rules)
        if reason is None:
            owed.append(_owed(event, anonymous_id, change, index))
            continue
        skipped.append(SkippedEvent(event.name, reason))
        if reason is Skip.BAD_NAME:
            problems.append(Problem("event", change.key, f"{reason}: {event.name[:40]!r} is not sent"))
    return tuple(owed), tuple(skipped), tuple(problems)


def _skip(event: Event, anonymous_id: str | None, inside: bool, stands: Standing, rules: Rules) -> Skip | None:
    if stands is Standing.SUPPRESSED or not inside:
        return Skip.OUTSIDE if stands is not Standing.SUPPRESSED else Skip.SUPPRESSED
    if not rules.allows(event.kind, event.name):
        return Skip.NOT_ALLOWED
    name = event.name.strip()
    if not name or (event.kind == "event" and len(name.encode()) > EVENT_NAME_BYTES):
        return Skip.BAD_NAME
    if not stands.unaddressed:
        return None
    if not rules.anonymous_events:
        return Skip.NO_IDENTIFIER if stands is Standing.NO_IDENTIFIER else Skip.NO_EMAIL
    return None if anonymous_id or event.properties.get("recipient") else Skip.NO_ANONYMOUS_ID


def _owed(event: Event, anonymous_id: str | None, change: Change, index: int) -> OwedEvent:
    return OwedEvent(
        id=ulid.of_event(event, change.key, change.message_id, index),
        kind=event.kind,
        name=_fitting(event.name.strip()),
        properties=event.properties,
        occurred_at=event.occurred_at,
        anonymous_id=anonymous_id,
    )


def _fitting(name: str) -> str:
    """A page's URL may be longer than a name can be: it is cut, and stands whole among the properties."""
    return name if len(name) * 4 <= EVENT_NAME_BYTES else name.encode()[:EVENT_NAME_BYTES].decode(errors="ignore")
