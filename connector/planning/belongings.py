"""Plans what belongs to a person beside attributes: devices, relationships, manual segments.

They are sent once Customer.io is confirmed to know the person.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connector.audience import manual_segments
from connector.audience.manual_segments import Memberships
from connector.audience.relationships import type_of
from connector.audience.rules import Rules
from connector.customerio import item_size
from connector.customerio.operations import device, relationship
from connector.customerio.operations import segment_membership as segment
from connector.customerio.operations.operation import Operation
from connector.model.entity import Entity, Identifier, Profile
from connector.planning.step import Step, holds, possible, same


def next_step(held: Profile, person: Profile, sent_now: tuple[Operation, ...], rules: Rules) -> Step:
    """Plans devices, then relationships, then manual segments of a person whose attributes are as they should be.

    Args:
        held: what Customer.io holds.
        person: what it should hold.
        sent_now: the operations of events that go along.
        rules: the settings of the sync.

    Returns:
        The next step.
    """
    related = not holds(held.relationships, person.relationships)
    moves = moves_owed(held.memberships, person.memberships, rules)
    if not holds(held.devices, person.devices):
        devices = _devices(person, held.devices)
        return Step((*devices, *sent_now), held._replace(devices=person.devices), "updated", related or moves)
    if related:
        relationships = _relationships(person, held.relationships, rules)
        after = held._replace(relationships=person.relationships)
        return Step((*relationships, *sent_now), after, "updated", moves)
    return _mirror(held, person.memberships, sent_now, rules) if moves else Step(sent_now, held)


def _mirror(delivered: Profile, wanted: Memberships, sent_now: Sequence[Operation], rules: Rules) -> Step:
    """Plans to put a person whom Customer.io knows by now into manual segments, and to take them out of others."""
    moves = memberships(delivered.identifier, delivered.memberships, wanted, rules)
    after = manual_segments.after(delivered.memberships, wanted, rules.served)
    return Step((*moves, *sent_now), delivered._replace(memberships=after), "mirrored")


def moves_owed(held: Memberships, wanted: Memberships, rules: Rules) -> bool:
    """Says whether the person must be put into, or taken out of, a manual segment that can be sent to."""
    return bool(rules.served) and bool(manual_segments.changes(held, wanted, rules.served))


def memberships(identifier: Identifier, held: Memberships, wanted: Memberships, rules: Rules) -> list[Operation]:
    """Returns the operations that put the person into, and take them out of, manual segments that can be sent to.

    Args:
        identifier: The identifier by which the person is addressed.
        held: What Customer.io was confirmed to hold.
        wanted: What it should hold.
        rules: The rules of the sync.
    """
    found = []
    for mirror, add in manual_segments.changes(held, wanted, rules.served):
        target = rules.served[mirror]
        item, endpoint = segment.item(identifier, target, add=add), segment.endpoint(identifier, target, add=add)
        found.append(Operation(item, endpoint=endpoint))
    return found


def all_taken(entity: Entity, identifiers: Sequence[Identifier], former: Sequence[Identifier]) -> list[Operation]:
    """Returns the operations that take away all devices and relationships of a person who is cleared."""
    here = [each for each in identifiers if each not in former]
    devices = [Operation(device.deleted(each, token)) for token in _gone(held_devices(entity), {}) for each in here]
    return devices + [_ended(each, key) for key in _gone(held_relationships(entity), {}) for each in here]


def all_taken_out(entity: Entity, identifiers: Sequence[Identifier], rules: Rules) -> list[Operation]:
    """Returns the operations that take a person who is cleared out of manual segments, under each identifier."""
    if not rules.served:
        return []
    held = manual_segments.held(entity, rules)
    return [each for identifier in identifiers for each in memberships(identifier, held, manual_segments.NONE, rules)]


def left_alone(entity: Entity, rules: Rules) -> Memberships:
    """Returns what is known of the mirrors that are not served."""
    return manual_segments.after(manual_segments.held(entity, rules), manual_segments.NONE, rules.served)


def _devices(person: Profile, held: Mapping[str, Any]) -> tuple[Operation, ...]:
    """Returns the operations that remove the devices that are not wanted, and add those that are missing or differ."""
    wanted = person.devices
    gone = [Operation(device.deleted(person.identifier, token)) for token in _gone(held, wanted)]
    added = [
        Operation(device.added(person.identifier, token, each))
        for token, each in sorted(wanted.items())
        if each is not None and (token not in held or not same(each, held[token]))
    ]
    return (*gone, *added)


def _gone(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Returns what to remove: what is held but no longer wanted, and what upstream has removed, whoever added it."""
    ours = [name for name, each in held.items() if each is not None and wanted.get(name) is None]
    return sorted({*ours, *(name for name, each in wanted.items() if each is None and name not in held)})


def held_devices(entity: Entity) -> Mapping[str, Any]:
    """Returns the devices that the person may have in Customer.io; in doubt all that were ever sent, as unknown."""
    return possible(entity, entity.delivered.devices if entity.delivered else {}, entity.tried.tokens)


def _relationships(person: Profile, held: Mapping[str, Any], rules: Rules) -> tuple[Operation, ...]:
    """Returns the operations that end unwanted relationships, and add those that are missing or differ."""
    wanted = person.relationships
    operations = [_ended(person.identifier, key) for key in _gone(held, wanted)]
    for key, attributes in sorted(wanted.items()):
        if attributes is None:
            continue
        if key in held and same(attributes, held[key]):
            continue
        nulls = dict.fromkeys(sorted(_names_held(key, held, rules) - attributes.keys()), None)
        operations += _added(person.identifier, key, {**attributes, **nulls}, rules)
    return tuple(operations)


def _names_held(key: str, held: Mapping[str, Any], rules: Rules) -> frozenset[str]:
    """Returns the attributes that a relationship may have: if nothing is certain, all that the settings know."""
    if isinstance(held.get(key), dict):
        return frozenset(held[key])
    rule = rules.objects.get(type_of(key)) if held.get(key) is not None else None
    return rule.relationship.targets if rule else frozenset()


def _added(identifier: Identifier, key: str, attributes: Mapping[str, Any], rules: Rules) -> list[Operation]:
    """Returns as many operations as it takes to send all attributes of one relationship."""
    operations: list[Operation] = []
    while attributes or not operations:
        part = item_size.first(attributes)
        item = relationship.added(identifier, key, part, update_only=rules.update_only)
        operations.append(Operation(item, related=(key, part)))
        attributes = {name: value for name, value in attributes.items() if name not in part}
    return operations


def _ended(identifier: Identifier, key: str) -> Operation:
    return Operation(relationship.ended(identifier, key), related=(key, None))


def held_relationships(entity: Entity) -> Mapping[str, Any]:
    """Returns the relationships that the person may have in Customer.io, as `held_devices` does."""
    return possible(entity, entity.delivered.relationships if entity.delivered else {}, entity.tried.relationships)
