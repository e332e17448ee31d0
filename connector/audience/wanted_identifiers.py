"""Which identifiers a user must hold before they are sent: each identifier names one person in Customer.io.

That is also so of one that stands among the attributes: an e-mail address that another profile has would give that
profile, or its address, to somebody else.
"""

from collections.abc import Iterator

from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired, given_identifier
from connector.audience.rules import Rules
from connector.model.entity import Entity, Identifier
from connector.model.problem import Problem


def with_id_that_stays(entity: Entity, desired: Desired, rules: Rules) -> Desired:
    """Returns what is wanted, with the id delivered as an attribute of the person: upstream may say another."""
    if desired.person is None or entity.delivered is None:
        return desired
    person = rules.addressing.with_id(desired.person, entity.delivered)
    return desired if person is desired.person else desired._replace(person=person)


def id_that_stays(entity: Entity, desired: Desired, rules: Rules) -> Iterator[Problem]:
    """Yields a problem if upstream says another id than the one that stays."""
    there = with_id_that_stays(entity, desired, rules)
    if there is desired or desired.person is None or there.person is None or not desired.person.attributes.get("id"):
        return
    said, held = desired.person.attributes["id"], there.person.attributes["id"]
    reason = f"the id {held!r} stays, and {said!r} is not sent: Customer.io gives nobody who has an id another one"
    yield Problem("identifier", entity.key, reason)


def wanted(entity: Entity, desired: Desired, rules: Rules) -> tuple[Identifier, ...]:
    """Returns the identifiers under which the person is to be sent, but for those delivered already."""
    delivered, desired = entity.delivered, with_id_that_stays(entity, desired, rules)
    if desired.standing is AudienceStatus.SUPPRESSED and not delivered:
        said = given_identifier(entity.facts, rules)  # others are blocked under the one they are known by
        return () if said is None else (said,)
    person, also = desired.person, rules.addressing.also_known_by
    if person is None:
        return to_take_away(entity, desired)
    there = (delivered.identifier, *also(delivered)) if delivered else ()
    return tuple(each for each in (person.identifier, *also(person)) if not any(each.same_as(own) for own in there))


def to_take_away(entity: Entity, desired: Desired) -> tuple[Identifier, ...]:
    """Returns the identifiers under which something is to be taken away of somebody whom the connector has not brought.

    Another user's must be left alone: upstream may have given their identifier to this one.
    """
    if entity.delivered is not None:
        return ()
    gone = [each for each in desired.gone if not entity.removals.knows(each)]
    free = [each for each in desired.free if not entity.removals.knows(each, freed=True)]
    ended, removed = desired.ended, entity.removals
    left = {*ended.devices} - {*removed.devices} or {*ended.relationships} - {*removed.relationships}
    return tuple(dict.fromkeys((*gone, *free, *(ended.of if left else ()))))


def same_as_before(entity: Entity, desired: Desired, rules: Rules) -> bool:
    """Says whether the facts before, those of `entity`, led to the same identifiers, as far as a look at them tells."""
    person, before = desired.person, entity.facts
    if person is None or rules.addressing.identifier(before.identity.values) != person.identifier:
        return False
    values = before.attributes.values
    return all(values.get(name) == person.attributes.get(name) for name in rules.addressing.beside)
