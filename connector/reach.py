"""Within reach: the objects of the people of a claim. A relationship can only be to an object that Customer.io holds.

What it does with a relationship to an object that it does not know is not documented. So each object is confirmed
first; people who are related to one that is not there yet are sent without that, and are due again once it is.
"""

from collections.abc import Collection, Mapping, Sequence

from connector import audience, relating
from connector.planning.attempt import Claim
from connector.audience.rules import Rules
from connector.store import relations
from connector.store.opening import Store


def reachable(store: Store, rules: Rules, claims: Sequence[Claim]) -> Sequence[Claim]:
    """The claims with their people as far as their objects are there; what is missing is noted, and comes to be due."""
    mentioned = {claim.entity.key: relating.mentioned(claim.entity, rules) for claim in claims if _speaks(claim)}
    if not mentioned:
        return claims
    wanted = {claim.entity.key: _wanted(claim, rules) for claim in claims if claim.entity.key in mentioned}
    with store.reading() as connection:
        known = relations.of_people(connection, rules.name, mentioned)
        present = relations.present(connection, rules.name, {key for each in mentioned.values() for key in each})
    missing, gone = _beyond(wanted, known), _beyond(known, mentioned)
    if missing or gone:
        with store.writing() as connection:
            present |= relations.want(connection, rules.name, missing, store.now(connection))
            relations.drop(connection, rules.name, gone)
    return [_within(claim, present, rules) if claim.entity.key in mentioned else claim for claim in claims]


def _speaks(claim: Claim) -> bool:
    """Whether anything was ever said of a relationship of this person."""
    entity = claim.entity
    return entity.facts.relationships.newest() is not None or relating.held(entity)


def _wanted(claim: Claim, rules: Rules) -> Collection[str]:
    """Of whom Customer.io should hold nothing, no object is wanted: those of outsiders are not created."""
    person = audience.desired(claim.entity.facts, rules).person
    return person.relationships if person else ()


def _beyond(some: Mapping[str, Collection[str]], others: Mapping[str, Collection[str]]) -> dict[str, set[str]]:
    """What `some` has and `others` has not, by person."""
    found = {person: set(each) - set(others.get(person, ())) for person, each in some.items()}
    return {person: each for person, each in found.items() if each}


def _within(claim: Claim, present: Collection[str], rules: Rules) -> Claim:
    return claim._replace(entity=relating.within(claim.entity, present, rules))
