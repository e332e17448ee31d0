"""What to send next for one person: the difference between what Customer.io should hold and what it holds.

A plan is one step: the operations of one request, and what Customer.io will hold once they are confirmed. Where
something must be confirmed before the next thing may be said (a new person before their events, an identify before
the merge that needs it), the rest waits for the next step.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector import adoption, audience, belongings, membership, portion, preferences
from connector.audience import Desired, Standing
from connector.model.entity import Entity, Identifier, OwedEvent, Person
from connector.audience.manual_segments import Memberships
from connector.customerio.operations import delete, event, identify, invite, merge, suppress
from connector.audience.rules import Rules
from connector.planning.step import UNCERTAIN, Effect, Operation, Step, possible, same


def next_step(entity: Entity, desired: Desired, events: Sequence[OwedEvent], rules: Rules) -> Step:
    """What to send next for `entity`, whose owed events are `events` in the order in which they happened."""
    if desired.standing is Standing.SUPPRESSED:
        return _suppress(entity, events, rules)
    if _may_be_suppressed(entity):
        return _free(entity)
    if desired.standing in (Standing.MERGED, Standing.DELETED):
        return Step(more=True) if desired.standing is Standing.MERGED else _delete(entity, events)
    if desired.standing is Standing.CLEARED:
        return _clear(entity, events, rules)
    if desired.person is None:
        return _unaddressed(entity, desired.memberships, events, rules)
    person = _kept_identifier(entity, desired.person, rules)
    return _present(entity, person._replace(memberships=desired.memberships), events, rules)


def owes(entity: Entity, desired: Desired, rules: Rules) -> bool:
    """Whether Customer.io must hear of this person, apart from events."""
    if desired.person is not None and not entity.doubt:
        if entity.delivered is None:
            return True
        if not entity.delivered.former and entity.delivered.identifier.same_as(desired.person.identifier):
            return not _is(entity.delivered, desired.person) or (
                bool(rules.served) and belongings.moves_owed(entity.delivered.memberships, desired.memberships, rules)
            )
    if desired.standing is Standing.MERGED:
        return True
    step = next_step(entity, desired, (), rules)
    return bool(step.operations)


def possible_identifiers(entity: Entity) -> list[Identifier]:
    """Every identifier under which Customer.io may know this user: the delivered one first."""
    delivered = entity.delivered
    found = [delivered.identifier, *delivered.former] if delivered else []
    for identifier in entity.tried.identifiers if entity.doubt else ():
        if not any(identifier.same_as(other) for other in found):
            found.append(identifier)
    return found


def _suppress(entity: Entity, events: Sequence[OwedEvent], rules: Rules) -> Step:
    """Blocks who is there, under every identifier that may exist; of whom nobody is there, the one that upstream says.

    No delete goes along (`operations.suppress`). Who is blocked already is not blocked again, but in doubt.
    """
    dropped = tuple(event.id for event in events)
    blocked = entity.delivered is not None and entity.delivered.suppressed and not entity.doubt
    identifiers = possible_identifiers(entity)
    if not identifiers and (said := audience.said_identifier(entity.facts, rules)):
        identifiers = [said]
    if blocked or not identifiers:
        return Step((), entity.delivered, dropped=dropped)
    operations = tuple(Operation(suppress.item(each)) for each in identifiers)
    after = Person(identifiers[0], {}, tuple(identifiers[1:]), suppressed=True)
    return Step(operations, after, "suppressed", dropped=dropped)


def _may_be_suppressed(entity: Entity) -> bool:
    if entity.delivered is not None and entity.delivered.suppressed:
        return True
    return entity.tried.suppressed and entity.doubt > 0


def _free(entity: Entity) -> Step:
    """Nothing is restored by it: what should be there is sent whole, once this is confirmed."""
    identifiers = possible_identifiers(entity)
    operations = tuple(Operation(suppress.item(each, "unsuppress")) for each in identifiers)
    if entity.delivered is None or entity.delivered.suppressed:
        return Step(operations, None, "unsuppressed", more=True)
    # They may be there after all, if the request to suppress them never arrived.
    held, devices = dict.fromkeys(_held(entity), UNCERTAIN), dict.fromkeys(belongings.held_devices(entity), UNCERTAIN)
    after = Person(identifiers[0], held, tuple(identifiers[1:]), devices)
    return Step(operations, after, "unsuppressed", more=True)


def _delete(entity: Entity, events: Sequence[OwedEvent]) -> Step:
    deletes = tuple(Operation(delete.item(identifier)) for identifier in possible_identifiers(entity))
    return Step(deletes, None, "deleted" if deletes else None, dropped=tuple(event.id for event in events))


def _clear(entity: Entity, events: Sequence[OwedEvent], rules: Rules) -> Step:
    """Nulls what the sync ever put there. Somebody who never got to Customer.io is not created to be cleared."""
    identifiers = possible_identifiers(entity)
    if not identifiers:
        return Step(dropped=tuple(event.id for event in events))
    former = entity.delivered.former if entity.delivered else ()
    delivered = (entity.delivered.identifier,) if entity.delivered else ()
    sent_now = _events(identifiers[0], events) if entity.delivered else ()
    held = _held(entity)
    if rules.by_either:  # the e-mail address is an identifier
        held = {name: value for name, value in held.items() if name != "email"}
    if all(value is None for value in held.values()):
        taken = (
            *belongings.all_taken(entity, identifiers, former),
            *belongings.all_taken_out(entity, identifiers, rules),
        )
        after = Person(identifiers[0], {}, former, memberships=belongings.left_alone(entity, rules))
        return Step((*taken, *sent_now), after, "updated" if taken else None)
    nulls = dict.fromkeys(sorted(held), None)
    part = portion.first(nulls)
    left = {name: held[name] for name in nulls.keys() - part.keys()}
    # Who was only tried may not be there: an update-only identify creates nobody.
    operations = tuple(
        Operation(identify.item(each, part, update_only=rules.update_only or each not in delivered))
        for each in identifiers
        if each not in former
    )
    taken = (*belongings.all_taken(entity, identifiers, former), *belongings.all_taken_out(entity, identifiers, rules))
    after = Person(identifiers[0], left, former, memberships=belongings.left_alone(entity, rules))
    return Step((*operations, *taken, *(() if left else sent_now)), after, "updated", bool(left))


def _unaddressed(entity: Entity, wanted: Memberships, events: Sequence[OwedEvent], rules: Rules) -> Step:
    """Nobody to address by name: events go to whom they were delivered to before, or anonymously, or wait."""
    if entity.delivered is not None:
        identifier, held = entity.delivered.identifier, membership.held(entity, rules)
        moves = belongings.memberships(identifier, held, wanted, rules)
        after = entity.delivered._replace(memberships=membership.after(held, wanted, rules.served))
        return Step((*moves, *_events(identifier, events)), after, "mirrored" if moves else None)
    if not rules.anonymous_events:
        return Step()
    return Step(tuple(_anonymous(each) for each in events if each.anonymous_id or each.properties.get("recipient")))


def _anonymous(owed: OwedEvent) -> Operation:
    if owed.anonymous_id is None:
        return Operation(invite.item(owed), owed.id, "v1_event")
    return Operation(event.item(Identifier("anonymous_id", owed.anonymous_id), owed), owed.id)


def _kept_identifier(entity: Entity, person: Person, rules: Rules) -> Person:
    """With on_identifier_change = "keep" a person goes on under the identifier they were delivered with."""
    if rules.by_either:
        person = adoption.with_id(person, possible_identifiers(entity))
    if rules.on_identifier_change != "keep" or entity.delivered is None or adoption.gives_id(entity.delivered, person):
        return person
    return person._replace(identifier=entity.delivered.identifier)


def _present(entity: Entity, person: Person, events: Sequence[OwedEvent], rules: Rules) -> Step:
    delivered = entity.delivered
    others = tuple(each for each in possible_identifiers(entity) if not each.same_as(person.identifier))
    known = delivered is not None and delivered.identifier.same_as(person.identifier)
    if others and rules.by_either:
        if first := _as_one(entity, person, others, rules):
            return first
        others = adoption.others(delivered, person, others)
    if others and rules.on_identifier_change == "replace":
        return _replace(entity, person.identifier, others, rules)
    if delivered is None or not known or entity.doubt or not _holds(delivered.attributes, person.attributes):
        return _identify(entity, person, others, events if known and not others else (), rules)
    if others:
        return _merge(delivered, others)
    return belongings.next_step(delivered, person, _events(person.identifier, events), rules)


def _is(held: Person, wanted: Person) -> bool:
    """Whether a person is as wanted, who is there under the wanted identifier."""
    theirs = same(held.devices, wanted.devices) and same(held.relationships, wanted.relationships)
    return theirs and _holds(held.attributes, wanted.attributes) and not held.suppressed


def _holds(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a person with the attributes `held` is as wanted; a null that nobody wants is as good as nothing."""
    if len(held) != len(wanted):
        held = {name: value for name, value in held.items() if value is not None or name in wanted}
    return same(held, wanted)


def _replace(entity: Entity, wanted: Identifier, others: Sequence[Identifier], rules: Rules) -> Step:
    """Deletes who is there under other identifiers; whoever is there under the wanted one is told everything next."""
    deletes = tuple(Operation(delete.item(other)) for other in others)
    if not any(each.same_as(wanted) for each in possible_identifiers(entity)):
        return Step(deletes, None, more=True)
    return Step(deletes, _unsure(entity, wanted, (), rules), more=True)


def _merge(delivered: Person, others: Sequence[Identifier]) -> Step:
    """Merging brings over what the primary does not have: what had been nulled there is uncertain again."""
    merges = tuple(Operation(merge.item(delivered.identifier, other)) for other in others)
    attributes = {name: UNCERTAIN if value is None else value for name, value in delivered.attributes.items()}
    devices, related = (dict.fromkeys(each, UNCERTAIN) for each in (delivered.devices, delivered.relationships))
    memberships = membership.unknown(delivered.memberships)
    after = Person(delivered.identifier, attributes, (), devices, related, memberships=memberships)
    return Step(merges, after, "merged", more=True)


def _as_one(entity: Entity, person: Person, others: Sequence[Identifier], rules: Rules) -> Step | None:
    """What must come first so that a lead and the person with the id are one; None where nothing must.

    A lead who is there beside the person is merged: only then can Customer.io give the person the e-mail address. One
    who may have the id already gets it: then it is sure.
    """
    wanted = person.identifier
    apart = adoption.lead_apart(entity.delivered, person, others)
    lead = apart or adoption.maybe_adopted(entity, person, others)
    if lead is None:
        return None
    after = _unsure(entity, wanted, tuple(each for each in others if each != lead), rules)
    if apart:
        return Step((Operation(merge.item(wanted, lead)),), after, "merged", more=True)
    operation = Operation(identify.item(wanted, {"email": lead.value}, update_only=rules.update_only))
    return Step(
        (operation,), after._replace(attributes={**after.attributes, "email": lead.value}), "updated", more=True
    )


def _unsure(entity: Entity, identifier: Identifier, former: tuple[Identifier, ...], rules: Rules) -> Person:
    """Somebody of whom nothing is sure but the identifier: they are told everything next."""
    held = (_held(entity), belongings.held_devices(entity), belongings.held_relationships(entity))
    attributes, devices, related = (dict.fromkeys(each, UNCERTAIN) for each in held)
    memberships = membership.unknown(membership.held(entity, rules))
    return Person(identifier, attributes, former, devices, related, memberships=memberships)


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
    if not portion.fits(whole):
        known = {} if rules.by_either and adoption.gives_id(entity.delivered, person) else held
        differing = {name: value for name, value in whole.items() if name not in known or not same(value, known[name])}
        part = portion.first(differing)
        after = {**{name: value for name, value in held.items() if name in whole}, **part}
    devices, related = belongings.held_devices(entity), belongings.held_relationships(entity)
    memberships = membership.held(entity, rules)
    if others:  # the merge that follows brings them
        devices, related = dict.fromkeys(devices, UNCERTAIN), dict.fromkeys(related, UNCERTAIN)
        memberships = membership.unknown(memberships)
    theirs = same(devices, person.devices) and same(related, person.relationships)
    complete = theirs and _holds(after, person.attributes)
    told = preferences.told(part, entity, rules.preferences, same) if rules.preferences else part
    operation = Operation(identify.item(person.identifier, told, update_only=rules.update_only))
    effect: Effect = "updated" if entity.delivered else "created"
    sent_now = _events(person.identifier, events) if complete else ()
    after_it = Person(person.identifier, after, others, devices, related, memberships=memberships)
    more = bool(others) or not complete or belongings.moves_owed(memberships, person.memberships, rules)
    return Step((operation, *sent_now), after_it, effect, more)


def _held(entity: Entity) -> Mapping[str, Any]:
    """What Customer.io may hold: in doubt, every name it may have been told, with no value to rely on."""
    return possible(entity, entity.delivered.attributes if entity.delivered else {}, entity.tried.names)


def _events(identifier: Identifier, events: Iterable[OwedEvent]) -> tuple[Operation, ...]:
    return tuple(Operation(event.item(identifier, owed), owed.id) for owed in events)
