"""What to send next for one person: the difference between what Customer.io should hold and what it holds.

A plan is one step: the operations of one request, and what Customer.io will hold once they are confirmed. Where
something must be confirmed before the next thing may be said (a new person before their events, an identify before
the merge that needs it), the rest waits for the next step.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic_core import to_json

from connector.audience import Desired, Standing
from connector.entity import Entity, Identifier, OwedEvent, Person
from connector.operations import Item, delete, device, event, identify, invite, merge, relationship
from connector.relating import type_of
from connector.rules import Rules

ITEM_ATTRIBUTE_BYTES = 30_000
ITEM_ATTRIBUTES = 299
"""Customer.io takes 300 attributes a call (reference: customerio-api, 3.2); `_update` may be one of them."""
# A value of 1000 bytes may have six times as many as JSON, where control characters are written \u00XX.
_ATTRIBUTES_THAT_ALWAYS_FIT = 4
UNCERTAIN = "\0uncertain"
"""Stands for a value that Customer.io may hold and we do not know; no attribute's value equals it."""

Effect = Literal["created", "updated", "deleted", "merged", "refused"]
Endpoint = Literal["batch", "v1_event"]


class Operation(NamedTuple):
    """One operation as it goes on the wire; event: the ULID of the owed event that it sends, if it sends one.

    related: the object to which it relates the person, and the attributes it sets, null where it ends that.
    """

    item: Item
    event: str | None = None
    endpoint: Endpoint = "batch"
    related: tuple[str, Mapping[str, Any] | None] | None = None


class Step(NamedTuple):
    """The next request's part for one person.

    after: what Customer.io holds once all operations but the events are confirmed; effect: what happened to the
    person then; more: the person is not finished with this step, even without events that wait; dropped: owed events
    that will never be sent.
    """

    operations: tuple[Operation, ...] = ()
    after: Person | None = None
    effect: Effect | None = None
    more: bool = False
    dropped: tuple[str, ...] = ()


def next_step(entity: Entity, desired: Desired, events: Sequence[OwedEvent], rules: Rules) -> Step:
    """What to send next for `entity`, whose owed events are `events` in the order in which they happened."""
    if desired.standing is Standing.DELETED:
        return _delete(entity, events)
    if desired.standing is Standing.CLEARED:
        return _clear(entity, events, rules)
    if desired.person is None:
        return _unaddressed(entity, events, rules)
    return _present(entity, _kept_identifier(entity, desired.person, rules), events, rules)


def owes(entity: Entity, desired: Desired, rules: Rules) -> bool:
    """Whether Customer.io must hear of this person, apart from events."""
    if desired.person is not None and not entity.doubt:
        if entity.delivered is None:
            return True
        if not entity.delivered.former and entity.delivered.identifier.same_as(desired.person.identifier):
            return not _is(entity.delivered, desired.person)
    step = next_step(entity, desired, (), rules)
    return bool(step.operations)


def _possible_identifiers(entity: Entity) -> list[Identifier]:
    """Every identifier under which Customer.io may know this user: the delivered one first."""
    delivered = entity.delivered
    found = [delivered.identifier, *delivered.former] if delivered else []
    for identifier in entity.tried.identifiers if entity.doubt else ():
        if not any(identifier.same_as(other) for other in found):
            found.append(identifier)
    return found


def _delete(entity: Entity, events: Sequence[OwedEvent]) -> Step:
    deletes = tuple(Operation(delete.item(identifier)) for identifier in _possible_identifiers(entity))
    return Step(deletes, None, "deleted" if deletes else None, dropped=tuple(event.id for event in events))


def _clear(entity: Entity, events: Sequence[OwedEvent], rules: Rules) -> Step:
    """Nulls what the sync ever put there. Somebody who never got to Customer.io is not created to be cleared."""
    identifiers = _possible_identifiers(entity)
    if not identifiers:
        return Step(dropped=tuple(event.id for event in events))
    former = entity.delivered.former if entity.delivered else ()
    delivered = (entity.delivered.identifier,) if entity.delivered else ()
    sent_now = _events(identifiers[0], events) if entity.delivered else ()
    held = _held(entity)
    if all(value is None for value in held.values()):
        taken = _all_taken(entity, identifiers, former)
        return Step((*taken, *sent_now), Person(identifiers[0], {}, former), "updated" if taken else None)
    nulls = dict.fromkeys(sorted(held), None)
    part = _first_part(nulls)
    left = {name: held[name] for name in nulls.keys() - part.keys()}
    # Who was only tried may not be there: an update-only identify creates nobody.
    operations = tuple(
        Operation(identify.item(each, part, update_only=rules.update_only or each not in delivered))
        for each in identifiers
        if each not in former
    )
    taken = _all_taken(entity, identifiers, former)
    after = Person(identifiers[0], left, former)
    return Step((*operations, *taken, *(() if left else sent_now)), after, "updated", bool(left))


def _all_taken(entity: Entity, identifiers: Sequence[Identifier], former: Sequence[Identifier]) -> list[Operation]:
    """Who is cleared is not to be pushed to, and related to nothing by us."""
    here = [each for each in identifiers if each not in former]
    devices = [Operation(device.deleted(each, token)) for token in sorted(_held_devices(entity)) for each in here]
    return devices + [_ended(each, key) for key in sorted(_held_relationships(entity)) for each in here]


def _unaddressed(entity: Entity, events: Sequence[OwedEvent], rules: Rules) -> Step:
    """Nobody to address by name: events go to whom they were delivered to before, or anonymously, or wait."""
    if entity.delivered is not None:
        return Step(_events(entity.delivered.identifier, events), entity.delivered)
    if not rules.anonymous_events:
        return Step()
    return Step(tuple(_anonymous(each) for each in events if each.anonymous_id or each.properties.get("recipient")))


def _anonymous(owed: OwedEvent) -> Operation:
    if owed.anonymous_id is None:
        return Operation(invite.item(owed), owed.id, "v1_event")
    return Operation(event.item(Identifier("anonymous_id", owed.anonymous_id), owed), owed.id)


def _kept_identifier(entity: Entity, person: Person, rules: Rules) -> Person:
    """With on_identifier_change = "keep" a person goes on under the identifier they were delivered with."""
    if rules.on_identifier_change != "keep" or entity.delivered is None:
        return person
    return person._replace(identifier=entity.delivered.identifier)


def _present(entity: Entity, person: Person, events: Sequence[OwedEvent], rules: Rules) -> Step:
    delivered = entity.delivered
    others = tuple(each for each in _possible_identifiers(entity) if not each.same_as(person.identifier))
    known = delivered is not None and delivered.identifier.same_as(person.identifier)
    if others and rules.on_identifier_change == "replace":
        return _replace(entity, person.identifier, others)
    if delivered is None or not known or entity.doubt or not _holds(delivered.attributes, person.attributes):
        return _identify(entity, person, others, events if known and not others else (), rules)
    if others:
        return _merge(delivered, others)
    sent_now = _events(person.identifier, events)
    if not same(delivered.devices, person.devices):
        devices = _devices(person, delivered.devices)
        more = not same(delivered.relationships, person.relationships)
        return Step((*devices, *sent_now), delivered._replace(devices=person.devices), "updated", more)
    if not same(delivered.relationships, person.relationships):
        related = _relationships(person, delivered.relationships, rules)
        return Step((*related, *sent_now), delivered._replace(relationships=person.relationships), "updated")
    return Step(sent_now, delivered)


def _is(held: Person, wanted: Person) -> bool:
    """Whether a person is as wanted, who is there under the wanted identifier."""
    belongings = same(held.devices, wanted.devices) and same(held.relationships, wanted.relationships)
    return belongings and _holds(held.attributes, wanted.attributes)


def _devices(person: Person, held: Mapping[str, Any]) -> tuple[Operation, ...]:
    """Takes the devices away that are there and not wanted, and adds those that are wanted and not there so."""
    wanted = person.devices
    gone = [Operation(device.deleted(person.identifier, token)) for token in sorted(held.keys() - wanted.keys())]
    added = [
        Operation(device.added(person.identifier, token, each))
        for token, each in sorted(wanted.items())
        if token not in held or not same(each, held[token])
    ]
    return (*gone, *added)


def _held_devices(entity: Entity) -> Mapping[str, Any]:
    """The devices that the person may have in Customer.io: in doubt all that it was told, as if nothing were known."""
    return _possible(entity, entity.delivered.devices if entity.delivered else {}, entity.tried.tokens)


def _relationships(person: Person, held: Mapping[str, Any], rules: Rules) -> tuple[Operation, ...]:
    """Ends what is there and not wanted, and adds what is wanted and not there so."""
    wanted = person.relationships
    operations = [_ended(person.identifier, key) for key in sorted(held.keys() - wanted.keys())]
    for key, attributes in sorted(wanted.items()):
        if key in held and same(attributes, held[key]):
            continue
        nulls = dict.fromkeys(sorted(_names_held(key, held, rules) - attributes.keys()), None)
        operations += _added(person.identifier, key, {**attributes, **nulls}, rules)
    return tuple(operations)


def _names_held(key: str, held: Mapping[str, Any], rules: Rules) -> frozenset[str]:
    """The attributes that a relationship may have: where nothing is certain, all that the settings know."""
    if isinstance(held.get(key), dict):
        return frozenset(held[key])
    rule = rules.objects.get(type_of(key)) if key in held else None
    return rule.relationship.targets if rule else frozenset()


def _added(identifier: Identifier, key: str, attributes: Mapping[str, Any], rules: Rules) -> list[Operation]:
    """As many operations as it takes to say all of one relationship."""
    operations: list[Operation] = []
    while attributes or not operations:
        part = _first_part(attributes)
        item = relationship.added(identifier, key, part, update_only=rules.update_only)
        operations.append(Operation(item, related=(key, part)))
        attributes = {name: value for name, value in attributes.items() if name not in part}
    return operations


def _ended(identifier: Identifier, key: str) -> Operation:
    return Operation(relationship.ended(identifier, key), related=(key, None))


def _held_relationships(entity: Entity) -> Mapping[str, Any]:
    """As with devices."""
    return _possible(entity, entity.delivered.relationships if entity.delivered else {}, entity.tried.relationships)


def _holds(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a person with the attributes `held` is as wanted; a null that nobody wants is as good as nothing."""
    if len(held) != len(wanted):
        held = {name: value for name, value in held.items() if value is not None or name in wanted}
    return same(held, wanted)


def _replace(entity: Entity, wanted: Identifier, others: Sequence[Identifier]) -> Step:
    """Deletes who is there under other identifiers; whoever is there under the wanted one is told everything next."""
    deletes = tuple(Operation(delete.item(other)) for other in others)
    if not any(each.same_as(wanted) for each in _possible_identifiers(entity)):
        return Step(deletes, None, more=True)
    attributes, devices, related = (
        dict.fromkeys(each, UNCERTAIN) for each in (_held(entity), _held_devices(entity), _held_relationships(entity))
    )
    return Step(deletes, Person(wanted, attributes, (), devices, related), more=True)


def _merge(delivered: Person, others: Sequence[Identifier]) -> Step:
    """Merging brings over what the primary does not have: what had been nulled there is uncertain again."""
    merges = tuple(Operation(merge.item(delivered.identifier, other)) for other in others)
    attributes = {name: UNCERTAIN if value is None else value for name, value in delivered.attributes.items()}
    devices, related = (dict.fromkeys(each, UNCERTAIN) for each in (delivered.devices, delivered.relationships))
    return Step(merges, Person(delivered.identifier, attributes, (), devices, related), "merged", more=True)


def _identify(
    entity: Entity, person: Person, others: tuple[Identifier, ...], events: Sequence[OwedEvent], rules: Rules
) -> Step:
    """The whole person, and nulls for what is theirs no more: it heals what somebody changed by hand in Customer.io.

    A person too large for one item is sent in parts, what differs first; each part is a step.
    """
    held = _held(entity)
    gone = sorted(held.keys() - person.attributes.keys())
    whole = {**person.attributes, **dict.fromkeys(gone, None)} if gone else person.attributes
    part, after = whole, whole if others else person.attributes
    if not _fits(whole):
        differing = {name: value for name, value in whole.items() if name not in held or not same(value, held[name])}
        part = _first_part(differing)
        after = {**{name: value for name, value in held.items() if name in whole}, **part}
    devices, related = _held_devices(entity), _held_relationships(entity)
    if others:  # the merge that follows brings them
        devices, related = dict.fromkeys(devices, UNCERTAIN), dict.fromkeys(related, UNCERTAIN)
    belongings = same(devices, person.devices) and same(related, person.relationships)
    complete = belongings and _holds(after, person.attributes)
    operation = Operation(identify.item(person.identifier, part, update_only=rules.update_only))
    effect: Effect = "updated" if entity.delivered else "created"
    sent_now = _events(person.identifier, events) if complete else ()
    after_it = Person(person.identifier, after, others, devices, related)
    return Step((operation, *sent_now), after_it, effect, bool(others) or not complete)


def _held(entity: Entity) -> Mapping[str, Any]:
    """What Customer.io may hold: in doubt, every name it may have been told, with no value to rely on."""
    return _possible(entity, entity.delivered.attributes if entity.delivered else {}, entity.tried.names)


def _possible(entity: Entity, known: Mapping[str, Any], tried: frozenset[str]) -> Mapping[str, Any]:
    if not entity.doubt:
        return known
    return dict.fromkeys((*known, *sorted(tried - known.keys())), UNCERTAIN)


def _fits(attributes: Mapping[str, Any]) -> bool:
    if len(attributes) <= _ATTRIBUTES_THAT_ALWAYS_FIT:
        return True
    return len(attributes) <= ITEM_ATTRIBUTES and len(to_json(attributes)) <= ITEM_ATTRIBUTE_BYTES


def _first_part(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """As many of the attributes as one item can carry, at least one."""
    part: dict[str, Any] = {}
    size = 0
    for name, value in attributes.items():
        size += len(to_json({name: value}))
        if part and (size > ITEM_ATTRIBUTE_BYTES or len(part) >= ITEM_ATTRIBUTES):
            break
        part[name] = value
    return part


def _events(identifier: Identifier, events: Iterable[OwedEvent]) -> tuple[Operation, ...]:
    return tuple(Operation(event.item(identifier, owed), owed.id) for owed in events)


def same(one: Any, other: Any) -> bool:
    """Equality as JSON has it: the order of keys does not matter, and true is not 1 as it is for Python."""
    return bool(one == other) and (one is other or _alike(one, other))


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(_alike(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return all(map(_alike, one, other))
    return isinstance(one, bool) is isinstance(other, bool)
