"""A lead who gets an id: the same person, who was known by e-mail alone before (`identify_by = "id_or_email"`).

An identify under an id that nobody has, with the e-mail of somebody, gives that person the id, and finds them by either
when it is sent again (reference: customerio-api, 7.1). So the e-mail under which the lead was delivered is not another
person's afterwards: nothing is merged with it, and nothing deleted.
"""

from collections.abc import Sequence

from connector import address
from connector.model.entity import Entity, Identifier, Person


def with_id(person: Person, possible: Sequence[Identifier]) -> Person:
    """The person under the id that they have, or may have, in Customer.io, where upstream gives none any more.

    There is no way to take an id away.
    """
    if person.identifier.type != "email":
        return person
    return next((person._replace(identifier=each) for each in possible if each.type == "id"), person)


def gives_id(delivered: Person | None, person: Person) -> bool:
    """Whether the person was delivered by the e-mail that is theirs still, and has an id now."""
    return delivered is not None and delivered.identifier.type == "email" and _is_own(delivered.identifier, person)


def others(delivered: Person | None, person: Person, others: Sequence[Identifier]) -> tuple[Identifier, ...]:
    """Of other identifiers that may be there, those that are not the person's own e-mail, now or as delivered."""
    there = delivered if delivered is not None and delivered.identifier.type == "id" else None
    return tuple(each for each in others if not _is_own(each, person) and not (there and _is_own(each, there)))


def lead_apart(delivered: Person | None, person: Person, others: Sequence[Identifier]) -> Identifier | None:
    """The lead who has the person's e-mail while the person is there without it: these are two in Customer.io."""
    if delivered is None or not delivered.identifier.same_as(person.identifier):
        return None
    return next((each for each in others if _is_own(each, person) and not _is_own(each, delivered)), None)


def maybe_adopted(entity: Entity, person: Person, others: Sequence[Identifier]) -> Identifier | None:
    """The lead who may have got the person's id by a request without an answer, and whose e-mail is theirs no more."""
    there = entity.delivered
    if not entity.doubt or (there is not None and there.identifier.type != "email"):
        return None
    if not any(each.same_as(person.identifier) for each in entity.tried.identifiers):
        return None
    return next((each for each in others if each.type == "email" and not _is_own(each, person)), None)


def _is_own(identifier: Identifier, person: Person) -> bool:
    """Whether the identifier is the e-mail of a person who is known by their id."""
    own = address.email(person)
    return person.identifier.type == "id" and own is not None and identifier.same_as(own)
