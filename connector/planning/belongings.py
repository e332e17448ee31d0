"""What belongs to a person beside attributes: devices, relationships, manual segments. Told once they are known."""

from collections.abc import Mapping, Sequence
from typing import Any

from connector import membership, portion
from connector.model.entity import Entity, Identifier, Person
from connector.audience.manual_segments import Memberships
from connector.customerio.operations import device, relationship
from connector.customerio.operations import segment_membership as segment
from connector.audience.relationships import type_of
from connector.audience.rules import Rules
from connector.planning.step import Operation, Step, possible, same


def next_step(held: Person, person: Person, sent_now: tuple[Operation, ...], rules: Rules) -> Step:
    """Devices, then relationships, then manual segments of somebody who is otherwise as they should be."""
    related = not same(held.relationships, person.relationships)
    moves = moves_owed(held.memberships, person.memberships, rules)
    if not same(held.devices, person.devices):
        devices = _devices(person, held.devices)
        return Step((*devices, *sent_now), held._replace(devices=person.devices), "updated", related or moves)
    if related:
        relationships = _relationships(person, held.relationships, rules)
        after = held._replace(relationships=person.relationships)
        return Step((*relationships, *sent_now), after, "updated", moves)
    return _mirror(held, person.memberships, sent_now, rules) if moves else Step(sent_now, held)


def _mirror(delivered: Person, wanted: Memberships, sent_now: Sequence[Operation], rules: Rules) -> Step:
    """Puts the person into manual segments and takes them out: they are known by now, as Customer.io asks for."""
    moves = memberships(delivered.identifier, delivered.memberships, wanted, rules)
    after = membership.after(delivered.memberships, wanted, rules.served)
    return Step((*moves, *sent_now), delivered._replace(memberships=after), "mirrored")


def moves_owed(held: Memberships, wanted: Memberships, rules: Rules) -> bool:
    """Whether a manual segment that can be sent to has to hear of the person."""
    return bool(rules.served) and bool(membership.changes(held, wanted, rules.served))


def memberships(identifier: Identifier, held: Memberships, wanted: Memberships, rules: Rules) -> list[Operation]:
    """Puts the person into manual segments and takes them out, as far as these can be sent to."""
    found = []
    for mirror, add in membership.changes(held, wanted, rules.served):
        target = rules.served[mirror]
        item, endpoint = segment.item(identifier, target, add=add), segment.endpoint(identifier, target, add=add)
        found.append(Operation(item, endpoint=endpoint))
    return found


def all_taken(entity: Entity, identifiers: Sequence[Identifier], former: Sequence[Identifier]) -> list[Operation]:
    """Who is cleared is not to be pushed to, and related to nothing by us."""
    here = [each for each in identifiers if each not in former]
    devices = [Operation(device.deleted(each, token)) for token in sorted(held_devices(entity)) for each in here]
    return devices + [_ended(each, key) for key in sorted(held_relationships(entity)) for each in here]


def all_taken_out(entity: Entity, identifiers: Sequence[Identifier], rules: Rules) -> list[Operation]:
    """Who is cleared is in no manual segment, under whatever identifier they may have been put into it."""
    if not rules.served:
        return []
    held = membership.held(entity, rules)
    return [each for identifier in identifiers for each in memberships(identifier, held, membership.NONE, rules)]


def left_alone(entity: Entity, rules: Rules) -> Memberships:
    """What is known of the mirrors that are not served."""
    return membership.after(membership.held(entity, rules), membership.NONE, rules.served)


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


def held_devices(entity: Entity) -> Mapping[str, Any]:
    """The devices that the person may have in Customer.io: in doubt all that it was told, as if nothing were known."""
    return possible(entity, entity.delivered.devices if entity.delivered else {}, entity.tried.tokens)


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
        part = portion.first(attributes)
        item = relationship.added(identifier, key, part, update_only=rules.update_only)
        operations.append(Operation(item, related=(key, part)))
        attributes = {name: value for name, value in attributes.items() if name not in part}
    return operations


def _ended(identifier: Identifier, key: str) -> Operation:
    return Operation(relationship.ended(identifier, key), related=(key, None))


def held_relationships(entity: Entity) -> Mapping[str, Any]:
    """The same of the relationships."""
    return possible(entity, entity.delivered.relationships if entity.delivered else {}, entity.tried.relationships)
