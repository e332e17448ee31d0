"""What to send next for one person: the difference between what Customer.io should hold and what it holds.

A plan is one step: the operations of one request, and what Customer.io will hold once they are confirmed. Where
something must be confirmed before the next thing may be said (a new person before their events, an identify before
the merge that needs it), the rest waits for the next step.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import to_json

from connector.audience import Desired, Standing
from connector.entity import Entity, Identifier, OwedEvent, Person
from connector.operations import Item, delete, event, identify, invite, merge
from connector.rules import Rules

ITEM_ATTRIBUTE_BYTES = 30_000
_ATTRIBUTES_THAT_ALWAYS_FIT = 25

Effect = Literal["created", "updated", "deleted", "merged", "refused"]
Endpoint = Literal["batch", "v1_event"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as it goes on the wire; event: the ULID of the owed event that it sends, if it sends one."""

    item: Item
    event: str | None = None
    endpoint: Endpoint = "batch"


@dataclass(frozen=True, slots=True)
class Step:
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
        return _unaddressed(entity, events)
    return _present(entity, _kept_identifier(entity, desired.person, rules), events, rules)


def owes(entity: Entity, desired: Desired, rules: Rules) -> bool:
    """Whether Customer.io must hear of this person, apart from events."""
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
    primary = identifiers[0]
    nulls = dict.fromkeys(sorted(_possible_names(entity)), None)
    after = Person(primary, {}, entity.delivered.former if entity.delivered else ())
    sent_now = _events(primary, events) if entity.delivered else ()
    if not nulls:
        return Step(sent_now, after)
    operation = Operation(identify.item(primary, nulls, update_only=rules.update_only))
    return Step((operation, *sent_now), after, "updated")


def _unaddressed(entity: Entity, events: Sequence[OwedEvent]) -> Step:
    """Nobody to address by name: events go to whom they were delivered to before, or anonymously, or wait."""
    if entity.delivered is not None:
        return Step(_events(entity.delivered.identifier, events), entity.delivered)
    operations = tuple(_anonymous(each) for each in events if each.anonymous_id or each.properties.get("recipient"))
    return Step(operations)


def _anonymous(owed: OwedEvent) -> Operation:
    if owed.anonymous_id is None:
        return Operation(invite.item(owed), owed.id, "v1_event")
    return Operation(event.item(Identifier("anonymous_id", owed.anonymous_id), owed), owed.id)


def _kept_identifier(entity: Entity, person: Person, rules: Rules) -> Person:
    """With on_identifier_change = "keep" a person goes on under the identifier they were delivered with."""
    if rules.on_identifier_change != "keep" or entity.delivered is None:
        return person
    return Person(entity.delivered.identifier, person.attributes)


def _present(entity: Entity, person: Person, events: Sequence[OwedEvent], rules: Rules) -> Step:
    delivered = entity.delivered
    others = tuple(each for each in _possible_identifiers(entity) if not each.same_as(person.identifier))
    known = delivered is not None and delivered.identifier.same_as(person.identifier)
    if others and rules.on_identifier_change == "replace":
        return _replace(entity, others, known)
    if delivered is None or not known or entity.doubt or not same(person.attributes, delivered.attributes):
        return _identify(entity, person, others, events if known and not others else (), rules)
    if others:
        merges = tuple(Operation(merge.item(person.identifier, other)) for other in others)
        return Step(merges, Person(person.identifier, person.attributes), "merged", more=True)
    return Step(_events(person.identifier, events), delivered)


def _replace(entity: Entity, others: Sequence[Identifier], known: bool) -> Step:
    after = Person(entity.delivered.identifier, entity.delivered.attributes) if known and entity.delivered else None
    return Step(tuple(Operation(delete.item(other)) for other in others), after, more=True)


def _identify(
    entity: Entity,
    person: Person,
    others: tuple[Identifier, ...],
    events: Sequence[OwedEvent],
    rules: Rules,
) -> Step:
    """The whole person, and nulls for what is theirs no more: it heals what somebody changed by hand in Customer.io."""
    gone = _possible_names(entity) - person.attributes.keys()
    attributes = {**person.attributes, **dict.fromkeys(sorted(gone), None)} if gone else person.attributes
    held, rest = person.attributes, frozenset[str]()
    if len(attributes) > _ATTRIBUTES_THAT_ALWAYS_FIT:
        before = entity.delivered.attributes if entity.delivered and not entity.doubt else {}
        attributes, rest = _first_part(attributes, before)
        held = {name: value for name, value in person.attributes.items() if name not in rest}
    operation = Operation(identify.item(person.identifier, attributes, update_only=rules.update_only))
    effect: Effect = "updated" if entity.delivered else "created"
    after = Person(person.identifier, held, others)
    sent_now = () if rest else _events(person.identifier, events)
    return Step((operation, *sent_now), after, effect, more=bool(others or rest))


def _first_part(attributes: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[Mapping[str, Any], frozenset[str]]:
    """As much as one item can carry, and the names that must wait for the next step; changes go first."""
    if len(to_json(attributes)) <= ITEM_ATTRIBUTE_BYTES:
        return attributes, frozenset()
    changed = [name for name, value in attributes.items() if name not in before or not same(value, before[name])]
    part: dict[str, Any] = {}
    size = 0
    for name in changed:
        size += len(to_json({name: attributes[name]}))
        if size > ITEM_ATTRIBUTE_BYTES:
            break
        part[name] = attributes[name]
    return part, frozenset(changed) - part.keys()


def _possible_names(entity: Entity) -> set[str]:
    names = set(entity.delivered.attributes) if entity.delivered else set()
    return names | entity.tried.names if entity.doubt else names


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
