"""Plans what to send next for one person: the difference between what Customer.io should hold and what it holds.

A plan is one step: the operations of one request, and what Customer.io will hold once they are confirmed. If something
must be confirmed before the next thing may be sent (a new person before their events, an identify before the merge
that needs it), the rest waits for the next step.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.audience import manual_segments, wanted_identifiers
from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import NOTHING_ENDED, Desired, given_identifier
from connector.audience.manual_segments import Memberships
from connector.audience.rules import Rules
from connector.customerio import item_size
from connector.customerio.operations import anonymous_event, delete, event, identify, merge, metric, suppress
from connector.customerio.operations.operation import Operation
from connector.model.entity import Entity, Identifier, PendingEvent, Profile
from connector.planning import belongings, preferences, removals
from connector.planning.step import UNCERTAIN, Effect, Step, holds, possible, same


def next_step(entity: Entity, desired: Desired, events: Sequence[PendingEvent], rules: Rules) -> Step:
    """Plans what to send next for one person or object.

    Args:
        entity: what is known of them, and what Customer.io was last confirmed to hold.
        desired: what Customer.io should hold of them.
        events: the events that are owed to Customer.io, in the order in which they happened.
        rules: the settings of the sync.

    Returns:
        The next step; it has no operations if nothing is to be sent.
    """
    rules = rules.of_kind(entity.kind)
    desired = _as_created(entity, wanted_identifiers.with_id_that_stays(entity, desired, rules), rules)
    step = _planned(entity, desired, events, rules)
    return step if desired.ended is NOTHING_ENDED else removals.with_ended(step, entity, desired)


def _planned(entity: Entity, desired: Desired, events: Sequence[PendingEvent], rules: Rules) -> Step:
    """Plans all but what upstream takes away from people of whom nothing else is sent."""
    if desired.standing is AudienceStatus.SUPPRESSED:
        return _suppress(entity, events, rules)
    if _may_be_suppressed(entity) or _to_free(entity, desired):
        return _unsuppress(entity, desired)
    if desired.standing in (AudienceStatus.MERGED, AudienceStatus.DELETED):
        return Step(more=True) if desired.standing is AudienceStatus.MERGED else _delete(entity, desired, events)
    if desired.standing is AudienceStatus.CLEARED:
        return _clear(entity, events, rules)
    if desired.person is None:
        return _unaddressed(entity, desired.memberships, events, rules)
    person = kept_identifier(entity, desired.person, rules)
    return _present(entity, person._replace(memberships=desired.memberships), events, rules)


def is_owed(entity: Entity, desired: Desired, rules: Rules) -> bool:
    """Says whether anything but events is owed to Customer.io about this person or object."""
    rules = rules.of_kind(entity.kind)
    desired = _as_created(entity, wanted_identifiers.with_id_that_stays(entity, desired, rules), rules)
    if desired.person is not None and not entity.doubt and not _to_free(entity, desired):
        if entity.delivered is None:
            return True
        if not entity.delivered.former and entity.delivered.identifier.same_as(desired.person.identifier):
            return not _is_as_wanted(entity.delivered, desired.person) or (
                bool(rules.served) and belongings.moves_owed(entity.delivered.memberships, desired.memberships, rules)
            )
    if desired.standing is AudienceStatus.MERGED:
        return True
    step = next_step(entity, desired, (), rules)
    return bool(step.operations)


def possible_identifiers(entity: Entity) -> list[Identifier]:
    """Returns every identifier under which Customer.io may know this user, the delivered one first."""
    delivered = entity.delivered
    found = [delivered.identifier, *delivered.former] if delivered else []
    for identifier in entity.tried.identifiers if entity.doubt else ():
        if not any(identifier.same_as(other) for other in found):
            found.append(identifier)
    return found


def _as_created(entity: Entity, desired: Desired, rules: Rules) -> Desired:
    """Returns what is desired; in a sync that only creates, a delivered person stays as they are. Events still go."""
    there = entity.delivered
    if not rules.create_only or there is None or there.suppressed or desired.person is None or entity.kind != "person":
        return desired
    return desired._replace(person=there._replace(former=(), memberships={}))


def _suppress(entity: Entity, events: Sequence[PendingEvent], rules: Rules) -> Step:
    """Blocks the person under every identifier that may exist; if none may, under the one that upstream gives.

    No delete goes along (`operations.suppress`). A person who is blocked already is blocked again only in doubt.
    """
    dropped = tuple(event.id for event in events)
    blocked = entity.delivered is not None and entity.delivered.suppressed and not entity.doubt
    identifiers = possible_identifiers(entity)
    if not identifiers and (said := given_identifier(entity.facts, rules)):
        identifiers = [said]
    if blocked or not identifiers:
        return Step((), entity.delivered, dropped=dropped)
    operations = tuple(Operation(suppress.item(each)) for each in identifiers)
    also = {each.type: each.value for each in rules.addressing.also_known_by(entity.delivered)}  # blocked with them
    after = Profile(identifiers[0], also, tuple(identifiers[1:]), suppressed=True)
    return Step(operations, after, "suppressed", dropped=dropped)


def _may_be_suppressed(entity: Entity) -> bool:
    if entity.delivered is not None and entity.delivered.suppressed:
        return True
    return entity.tried.suppressed and entity.doubt > 0


def _to_free(entity: Entity, desired: Desired) -> list[Identifier]:
    """Returns the identifiers that upstream says are no longer suppressed, and that are not known to be free."""
    return [each for each in desired.free if not entity.removals.knows(each, freed=True)]


def _unsuppress(entity: Entity, desired: Desired) -> Step:
    """Lifts the suppression. Customer.io restores no data, so the person is sent whole after this is confirmed."""
    known = possible_identifiers(entity)
    others = [each for each in _to_free(entity, desired) if not any(each.same_as(one) for one in known)]
    identifiers = (*known, *others)
    operations = tuple(Operation(suppress.item(each, "unsuppress")) for each in identifiers)
    if entity.delivered is None or entity.delivered.suppressed:
        return Step(operations, None, "unsuppressed", more=True)
    # The person may still exist with their data, if the request to suppress them never arrived.
    held, devices = dict.fromkeys(_held(entity), UNCERTAIN), dict.fromkeys(belongings.held_devices(entity), UNCERTAIN)
    after = Profile(known[0], held, tuple(known[1:]), devices)
    return Step(operations, after, "unsuppressed", more=True)


def _delete(entity: Entity, desired: Desired, events: Sequence[PendingEvent]) -> Step:
    """Deletes the person under every identifier that may exist.

    If the connector has brought nobody, it deletes under the identifiers that upstream names, but not those whose
    deletion is confirmed already.
    """
    identifiers = possible_identifiers(entity)
    if not identifiers:
        identifiers = [each for each in desired.gone if not entity.removals.knows(each)]
    deletes = tuple(Operation(delete.item(identifier)) for identifier in identifiers)
    return Step(deletes, None, "deleted" if deletes else None, dropped=tuple(event.id for event in events))


def _clear(entity: Entity, events: Sequence[PendingEvent], rules: Rules) -> Step:
    """Nulls every attribute that the sync ever sent. A person who never got to Customer.io is not created for it."""
    identifiers = possible_identifiers(entity)
    if not identifiers:
        return Step(dropped=tuple(event.id for event in events))
    former = entity.delivered.former if entity.delivered else ()
    delivered = (entity.delivered.identifier,) if entity.delivered else ()
    sent_now = _events(identifiers[0], events) if entity.delivered else ()
    known = _held(entity)
    held = rules.addressing.clearable(known)
    stays = {name: known[name] for name in known.keys() - held.keys()}
    if all(value is None for value in held.values()):
        taken = (
            *belongings.all_taken(entity, identifiers, former),
            *belongings.all_taken_out(entity, identifiers, rules),
        )
        after = Profile(identifiers[0], stays, former, memberships=belongings.left_alone(entity, rules))
        return Step((*taken, *sent_now), after, "updated" if taken else None)
    nulls = dict.fromkeys(sorted(held), None)
    part = item_size.first(nulls)
    left = {name: held[name] for name in nulls.keys() - part.keys()}
    # Nobody may be there under an identifier that was only tried, or if another sync of the workspace may delete them:
    # an update-only identify creates nobody.
    wary = rules.update_only or bool(rules.beside)
    operations = tuple(
        Operation(identify.item(each, part, update_only=wary or each not in delivered))
        for each in identifiers
        if each not in former
    )
    taken = (*belongings.all_taken(entity, identifiers, former), *belongings.all_taken_out(entity, identifiers, rules))
    after = Profile(identifiers[0], stays | left, former, memberships=belongings.left_alone(entity, rules))
    return Step((*operations, *taken, *(() if left else sent_now)), after, "updated", bool(left))


def _unaddressed(entity: Entity, wanted: Memberships, events: Sequence[PendingEvent], rules: Rules) -> Step:
    """Plans for somebody without an identifier: events go to the person delivered before, or anonymously, or wait."""
    if entity.delivered is not None:
        identifier, held = entity.delivered.identifier, manual_segments.held(entity, rules)
        moves = belongings.memberships(identifier, held, wanted, rules)
        after = entity.delivered._replace(memberships=manual_segments.after(held, wanted, rules.served))
        return Step((*moves, *_events(identifier, events)), after, "mirrored" if moves else None)
    if not rules.anonymous_events:
        return Step()
    return Step(tuple(_anonymous(each) for each in events if _needs_nobody(each)))


def _needs_nobody(owed: PendingEvent) -> bool:
    """Says whether an event may go although it is not known who did it. Only a known person sees or clicks content."""
    if owed.kind in ("viewed_content", "clicked_content"):
        return False
    return owed.kind == "metric" or bool(owed.anonymous_id or owed.properties.get("recipient"))


def _anonymous(owed: PendingEvent) -> Operation:
    if owed.kind == "metric":
        return _metric(owed)
    return Operation(anonymous_event.item(owed), owed.id, "v1_event")


def kept_identifier(entity: Entity, person: Profile, rules: Rules) -> Profile:
    """Returns the person; with on_identifier_change = "keep" under the identifier that they were delivered with."""
    person = rules.addressing.keeping_id(person, lambda: possible_identifiers(entity))
    if (
        rules.on_identifier_change != "keep"
        or entity.delivered is None
        or rules.addressing.gives_id(entity.delivered, person)
    ):
        return person
    return person._replace(identifier=entity.delivered.identifier)


def _present(entity: Entity, person: Profile, events: Sequence[PendingEvent], rules: Rules) -> Step:
    delivered = entity.delivered
    others = tuple(each for each in possible_identifiers(entity) if not each.same_as(person.identifier))
    known = delivered is not None and delivered.identifier.same_as(person.identifier)
    if others:
        if first := _join_lead(entity, person, others, rules):
            return first
        others = rules.addressing.not_their_own(delivered, person, others)
    if others and rules.on_identifier_change == "replace":
        return _replace(entity, person.identifier, others, rules)
    if others and rules.on_identifier_change == "leave":
        return _start_anew(entity, person, rules)
    if delivered is None or not known or entity.doubt or not holds(delivered.attributes, person.attributes):
        return _identify(entity, person, others, events if known and not others else (), rules)
    if others:
        return _merge(delivered, others)
    return belongings.next_step(delivered, person, _events(person.identifier, events), rules)


def _is_as_wanted(held: Profile, wanted: Profile) -> bool:
    """Says whether devices, relationships and attributes are already as wanted, and the person is not suppressed."""
    belongings_match = holds(held.devices, wanted.devices) and holds(held.relationships, wanted.relationships)
    return belongings_match and holds(held.attributes, wanted.attributes) and not held.suppressed


def _replace(entity: Entity, wanted: Identifier, others: Sequence[Identifier], rules: Rules) -> Step:
    """Deletes people under other identifiers. The person under the wanted one is sent whole next."""
    deletes = tuple(Operation(delete.item(other)) for other in others)
    if not any(each.same_as(wanted) for each in possible_identifiers(entity)):
        return Step(deletes, None, more=True)
    return Step(deletes, _unsure(entity, wanted, (), rules), more=True)


def _start_anew(entity: Entity, person: Profile, rules: Rules) -> Step:
    """Leaves the people under other identifiers as they are, and sends the whole person under the wanted identifier.

    The user may have had that identifier before, so attributes that they no longer have are nulled there.
    """
    anew = replace(entity, delivered=_unsure(entity, person.identifier, (), rules))
    return _identify(anew, person, (), (), rules)._replace(effect="created")


def _merge(delivered: Profile, others: Sequence[Identifier]) -> Step:
    """Merges the others into the delivered person.

    Customer.io's merge fills the primary's empty attributes, so those we had nulled are uncertain again.
    """
    merges = tuple(Operation(merge.item(delivered.identifier, other)) for other in others)
    attributes = {name: UNCERTAIN if value is None else value for name, value in delivered.attributes.items()}
    devices, related = (dict.fromkeys(each, UNCERTAIN) for each in (delivered.devices, delivered.relationships))
    memberships = manual_segments.unknown(delivered.memberships)
    after = Profile(delivered.identifier, attributes, (), devices, related, memberships=memberships)
    return Step(merges, after, "merged", more=True)


def _join_lead(entity: Entity, person: Profile, others: Sequence[Identifier], rules: Rules) -> Step | None:
    """Plans the step that joins a lead and the person with the id. Returns None if there is no such lead.

    A lead who exists beside the person is merged: only then can Customer.io give the person the e-mail address. A lead
    who may have the id already is given the id again, to make sure.
    """
    wanted = person.identifier
    apart = rules.addressing.lead_apart(entity.delivered, person, others)
    lead = apart or rules.addressing.lead_with_their_id(entity, person, others)
    if lead is None:
        return None
    after = _unsure(entity, wanted, tuple(each for each in others if each != lead), rules)
    if apart:
        return Step((Operation(merge.item(wanted, lead)),), after, "merged", more=True)
    operation = Operation(identify.item(wanted, {"email": lead.value}, update_only=rules.update_only))
    return Step(
        (operation,), after._replace(attributes={**after.attributes, "email": lead.value}), "updated", more=True
    )


def _unsure(entity: Entity, identifier: Identifier, former: tuple[Identifier, ...], rules: Rules) -> Profile:
    """Returns a person of whom only the identifier is certain, so that they are sent whole next."""
    held = (_held(entity), belongings.held_devices(entity), belongings.held_relationships(entity))
    attributes, devices, related = (dict.fromkeys(each, UNCERTAIN) for each in held)
    memberships = manual_segments.unknown(manual_segments.held(entity, rules))
    return Profile(identifier, attributes, former, devices, related, memberships=memberships)


def _identify(
    entity: Entity, person: Profile, others: tuple[Identifier, ...], events: Sequence[PendingEvent], rules: Rules
) -> Step:
    """Sends the whole person, and nulls for attributes they no longer have.

    This also mends what somebody changed in Customer.io. A person too large for one item is sent in parts, first what
    differs; each part is a step.
    """
    held = _held(entity)
    gone = sorted(held.keys() - person.attributes.keys())
    whole = {**person.attributes, **dict.fromkeys(gone, None)} if gone else person.attributes
    part, after = whole, whole if others else person.attributes
    if not item_size.fits(whole):
        known = {} if rules.addressing.gives_id(entity.delivered, person) else held
        differing = {name: value for name, value in whole.items() if name not in known or not same(value, known[name])}
        part = item_size.first(differing)
        after = {**{name: value for name, value in held.items() if name in whole}, **part}
    devices, related = belongings.held_devices(entity), belongings.held_relationships(entity)
    memberships = manual_segments.held(entity, rules)
    if others:  # the merge that follows brings devices and relationships over
        devices, related = dict.fromkeys(devices, UNCERTAIN), dict.fromkeys(related, UNCERTAIN)
        memberships = manual_segments.unknown(memberships)
    belongings_match = holds(devices, person.devices) and holds(related, person.relationships)
    complete = belongings_match and holds(after, person.attributes)
    chosen = tuple(rules.preferences_in(part))
    sent_attributes = preferences.told(part, entity, chosen, same) if chosen else part
    operation = Operation(identify.item(person.identifier, sent_attributes, update_only=rules.update_only))
    effect: Effect = "updated" if entity.delivered else "created"
    sent_now = _events(person.identifier, events) if complete else ()
    profile_after = Profile(person.identifier, after, others, devices, related, memberships=memberships)
    more = bool(others) or not complete or belongings.moves_owed(memberships, person.memberships, rules)
    return Step((operation, *sent_now), profile_after, effect, more)


def _held(entity: Entity) -> Mapping[str, Any]:
    """Returns the attributes that Customer.io may hold.

    If the entity is in doubt: every attribute name it may have been sent, each with an unknown value.
    """
    return possible(entity, entity.delivered.attributes if entity.delivered else {}, entity.tried.names)


def _events(identifier: Identifier, events: Iterable[PendingEvent]) -> tuple[Operation, ...]:
    return tuple(
        _metric(owed) if owed.kind == "metric" else Operation(event.item(identifier, owed), owed.id) for owed in events
    )


def _metric(owed: PendingEvent) -> Operation:
    return Operation(metric.item(owed), owed.id, metric.ENDPOINT)
