"""Lets people be related only to objects that Customer.io holds.

What Customer.io does with a relationship to an object that it does not know is not documented. So each object is
confirmed first. People who are related to an object that is not confirmed yet are sent without that relationship, and
are due again once the object is confirmed.
"""

from collections.abc import Collection, Mapping, Sequence

from connector.audience.desired import desired
from connector.audience.relationships import held, mentioned, within
from connector.audience.rules import Rules
from connector.planning.attempt import Claim
from connector.store import relationships
from connector.store.engine import Store


def reachable(store: Store, rules: Rules, claims: Sequence[Claim]) -> Sequence[Claim]:
    """Returns the claims with only those relationships whose objects exist. Missing ones are noted and due."""
    objects = {claim.entity.key: mentioned(claim.entity, rules) for claim in claims if _speaks(claim)}
    if not objects:
        return claims
    wanted = {claim.entity.key: _wanted(claim, rules) for claim in claims if claim.entity.key in objects}
    with store.reading() as tx:
        known = relationships.of_people(tx, rules.name, objects)
        present = relationships.present(tx, rules.name, {key for each in objects.values() for key in each})
    missing, gone = _beyond(wanted, known), _beyond(known, objects)
    if missing or gone:
        with store.writing() as tx:
            present |= relationships.want(tx, rules.name, missing, store.now(tx))
            relationships.drop(tx, rules.name, gone)
    return [_within(claim, present, rules) if claim.entity.key in objects else claim for claim in claims]


def _speaks(claim: Claim) -> bool:
    """Says whether a message has said anything of this person's relationships, or Customer.io may hold some."""
    entity = claim.entity
    return entity.facts.relationships.newest() is not None or held(entity)


def _wanted(claim: Claim, rules: Rules) -> Collection[str]:
    """Returns the objects that the person needs; none for people outside the audience, so that none is made."""
    person = desired(claim.entity.facts, rules).person
    return [key for key, each in person.relationships.items() if each is not None] if person else ()


def _beyond(some: Mapping[str, Collection[str]], others: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """Returns what `some` has and `others` has not, by person."""
    found = {person: set(each) - set(others.get(person, ())) for person, each in some.items()}
    return {person: each for person, each in found.items() if each}


def _within(claim: Claim, present: Collection[str], rules: Rules) -> Claim:
    return claim._replace(entity=within(claim.entity, present, rules))
