"""Decides what a sync may take away from a person whom other syncs of the same workspace want, too."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from connector.audience import desired as audience
from connector.audience import wanted_identifiers
from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.audience.other_syncs import WantedByOthers, without, without_identifiers
from connector.audience.rules import Rules
from connector.customerio.operations import delete
from connector.customerio.operations.operation import Operation
from connector.model.entity import Entity, Identifier, PendingEvent, Profile, Unconfirmed
from connector.planning import plan
from connector.planning.plan import kept_identifier, possible_identifiers
from connector.planning.step import Step

_CLEARED = AudienceStatus.CLEARED
_TAKES_AWAY = frozenset({"delete", "merge", "unsuppress", "delete_device", "delete_relationships"})
_HARMS = frozenset({"delete", "unsuppress"})
"""After these operations the person is gone from the workspace, for other syncs too."""


class OtherSyncPerson(NamedTuple):
    """A person as another sync of the workspace has them.

    held: the deletion guard keeps their deletion back; waits: they wait for an identifier of another user.
    """

    rules: Rules
    entity: Entity
    held: bool = False
    waits: bool = False


def wanted(other: OtherSyncPerson) -> WantedByOthers | None:
    """Returns what another sync wants of a person; None if it wants nothing, or has never sent and will not."""
    rules, entity = other.rules, other.entity
    there, desired = entity.delivered, audience.desired(entity.facts, rules)
    if not rules.deliver and there is None:
        return None
    if desired.standing is AudienceStatus.SUPPRESSED:
        said = audience.given_identifier(entity.facts, rules)
        return WantedByOthers(
            (rules.name,), tuple(possible_identifiers(entity)) + ((said,) if said else ()), blocked=True
        )
    if _stays_as_it_is(other, desired):
        return None if there is None else _as_held(rules, entity, there)
    if desired.person is None:
        return None
    person = wanted_identifiers.with_id_that_stays(entity, desired, rules).person or desired.person
    return _as_wanted(rules, entity, kept_identifier(entity, person, rules))


def _stays_as_it_is(other: OtherSyncPerson, desired: Desired) -> bool:
    """Says whether nothing of the person can be sent, and nothing is to be taken away either."""
    return other.held or other.waits or desired.standing.unaddressed or desired.standing is AudienceStatus.MERGED


def _as_held(rules: Rules, entity: Entity, there: Profile) -> WantedByOthers:
    own = (*possible_identifiers(entity), *rules.addressing.also_known_by(there))
    return _with_belongings(WantedByOthers((rules.name,), own, mains=own[:1]), there)


def _as_wanted(rules: Rules, entity: Entity, person: Profile) -> WantedByOthers:
    """Returns what a sync wants of a person, with the former identifiers unless those are to be deleted."""
    own = (person.identifier, *rules.addressing.also_known_by(person))
    known = () if rules.on_identifier_change == "replace" else tuple(possible_identifiers(entity))
    found = _with_belongings(WantedByOthers((rules.name,), own, known, mains=own[:1]), person)
    if rules.create_only and entity.delivered is not None:
        return _with_belongings(found, entity.delivered)
    return found


def _with_belongings(found: WantedByOthers, person: Profile) -> WantedByOthers:
    """Adds the names of what the person has. Identifiers are attributes too, which must not be emptied."""
    named = {name for name, value in person.attributes.items() if value is not None}
    return found._replace(
        names=found.names | named | {each.type for each in found.own},
        tokens=found.tokens | {token for token, device in person.devices.items() if device is not None},
        relationships=found.relationships | {key for key, each in person.relationships.items() if each is not None},
    )


def together(key: str, others: Iterable[OtherSyncPerson]) -> WantedByOthers | None:
    """Returns what these syncs together want of the user `key`; None if they want nothing.

    A sync that wants the person outweighs one that has them blocked.
    """
    found = [
        each if other.entity.key == key else each._replace(mains=())
        for other in others
        if (each := wanted(other)) is not None
    ]
    found = [each for each in found if not each.blocked] or found
    both: WantedByOthers | None = None
    for each in found:
        both = each if both is None else both | each
    return both


def takes_away(operations: Iterable[Operation]) -> bool:
    """Says whether operations take something away that another sync may want."""
    return any(
        each.item.get("action") in _TAKES_AWAY or None in each.item.get("attributes", {}).values()
        for each in operations
        if each.event is None
    )


def harms(operations: Iterable[Operation]) -> bool:
    """Says whether operations may have left nobody there, so that others must send the person again."""
    return any(each.item.get("action") in _HARMS for each in operations)


def identifiers(entity: Entity, desired: Desired, rules: Rules) -> tuple[Identifier, ...]:
    """Returns every identifier under which Customer.io may have the person, or should."""
    also = rules.addressing.also_known_by
    there, person = entity.delivered, desired.person
    wanted_now = (person.identifier, *also(person)) if person else ()
    return tuple(dict.fromkeys((*possible_identifiers(entity), *also(there), *wanted_now, *desired.gone)))


def next_step(
    entity: Entity, desired: Desired, events: Sequence[PendingEvent], rules: Rules, elsewhere: WantedByOthers | None
) -> Step:
    """Plans what to send next for a person, as `plan.next_step` does, and takes nothing away that others want.

    Args:
        entity: what is known of them, and what Customer.io was last confirmed to hold.
        desired: what Customer.io should hold of them.
        events: the events that are owed to Customer.io, in the order in which they happened.
        rules: the settings of the sync.
        elsewhere: what other syncs of the workspace want of them; None for nothing.

    Returns:
        The next step. A person who is to be deleted is let go where another sync wants them.
    """
    if elsewhere is None:
        return plan.next_step(entity, desired, events, rules)
    if elsewhere.blocked:
        step = plan.next_step(entity, desired, events, rules)
        return Step((), entity.delivered) if step.effect == "unsuppressed" else step
    ours = without(entity, desired, elsewhere)
    if desired.standing is AudienceStatus.CLEARED:
        ours = _under(ours, possible_identifiers(entity), elsewhere)
    if desired.standing is AudienceStatus.DELETED:
        return _let_go(entity, ours, desired, events, rules, elsewhere)
    if desired.person is not None and not rules.addressing.knows_leads and rules.on_identifier_change != "keep":
        ours = without_identifiers(ours, desired.person, elsewhere)
    return plan.next_step(ours, desired, events, rules)


def _let_go(
    entity: Entity,
    ours: Entity,
    desired: Desired,
    events: Sequence[PendingEvent],
    rules: Rules,
    elsewhere: WantedByOthers,
) -> Step:
    """Plans to clear what only this sync has sent of a person whom others want, and to forget them.

    Other profiles of theirs, that nobody else wants, are deleted as ever.
    """
    there = (entity.delivered.identifier, *rules.addressing.also_known_by(entity.delivered)) if entity.delivered else ()
    shared = elsewhere.is_one_of(there)
    leaves = possible_identifiers(entity) or [each for each in desired.gone if not entity.removals.knows(each)]
    kept = [each for each in leaves if elsewhere.knows(each) or (shared and each in there)]
    dropped = tuple(event.id for event in events)
    cleared = plan.next_step(_under(ours, kept, elsewhere), desired._replace(standing=_CLEARED), (), rules)
    if cleared.more:
        return cleared._replace(effect="let go", dropped=dropped)
    deletes = tuple(Operation(delete.item(each)) for each in leaves if each not in kept)
    return Step((*cleared.operations, *deletes), None, "deleted" if deletes else "let go", dropped=dropped)


def _under(entity: Entity, identifiers: Sequence[Identifier], elsewhere: WantedByOthers) -> Entity:
    """Returns the entity as far as it may be there under these identifiers, or by now under the user's main ones."""
    there, tried = entity.delivered, entity.tried
    now = [each for each in elsewhere.mains if not any(each.same_as(one) for one in identifiers)]
    left = tuple(each for each in tried.identifiers if each in identifiers) if entity.doubt else ()
    tried = replace(tried, identifiers=(*left, *now))
    if there is not None and there.identifier not in identifiers:
        names, tokens, related = map(frozenset, (there.attributes, there.devices, there.relationships))
        tried |= Unconfirmed((), names, tokens, related)
        there = None
    if there is not None:
        there = there._replace(former=tuple(each for each in there.former if each in identifiers))
    doubted = bool(now) or (there is None and bool(tried.identifiers))
    return replace(entity, delivered=there, tried=tried, doubt=max(entity.doubt, int(doubted)))
