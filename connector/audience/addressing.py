"""The strategies behind `identify_by`: the identifier by which a person is addressed in Customer.io.

That is one kind of identifier (id, email or cio_id), or the id, else the e-mail. With `id_or_email` somebody
who has both is one person in Customer.io, found by either (docs/customerio.md#identity): an identify under an id that
nobody has, with the e-mail of somebody, gives that person the id.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from connector.model.entity import Entity, Identifier, Profile

_EMAIL = "email"
_ID = "id"


def has_email(email: str | None) -> bool:
    """Says whether it is an address to mail to; some write "n/a" for none (docs/moving-from-hull.md#the-settings)."""
    return email is not None and "@" in email


def said(identity: Mapping[str, Any]) -> str | None:
    """Returns the value by which upstream addresses a person: what it said, else what is presumed, else None."""
    own: str | None = identity.get("identifier")
    return own if own is not None else identity.get("presumed")


def email_of(person: Profile) -> Identifier | None:
    """Returns the e-mail address of a person as an identifier; None where none is known for sure."""
    value = person.attributes.get(_EMAIL)
    if not isinstance(value, str) or "\0" in value or not has_email(value):
        return None
    return Identifier(_EMAIL, value)


@dataclass(frozen=True, slots=True)
class Addressing:
    """Addressing by one kind of identifier: the value of the field `identifier`.

    beside: the attributes that are identifiers too, and name one person in the workspace.
    """

    kind: Literal["id", "email", "cio_id"]
    beside: tuple[str, ...] = ()

    @property
    def knows_leads(self) -> bool:
        """Says whether somebody may be known by e-mail alone, and get an id later."""
        return False

    @property
    def main_kind(self) -> str:
        """The kind of identifier of which nobody has two."""
        return self.kind

    def identifier(self, identity: Mapping[str, Any]) -> Identifier | None:
        """Returns the identifier that upstream's word on identity comes to, None where it comes to none."""
        value = said(identity)
        return None if value is None else self.given(value)

    def all_named(self, identity: Mapping[str, Any]) -> tuple[Identifier, ...]:
        """Returns every identifier by which upstream's word on identity addresses a person."""
        found = self.identifier(identity)
        return () if found is None else (found,)

    def also_named(self, identity: Mapping[str, Any]) -> tuple[Identifier, ...]:
        """Returns the e-mail address that upstream gives, where it names one person and addresses nobody."""
        email = identity.get(_EMAIL)
        if email is None or _EMAIL not in self.beside or not has_email(email):
            return ()
        return (Identifier(_EMAIL, email),)

    def given(self, value: str) -> Identifier | None:
        """Returns the identifier that a human, or a message, gives as plain text; None where it can be none."""
        if self.kind == _EMAIL and not has_email(value):
            return None
        # In paths Customer.io writes cio_ before a cio_id, in bodies it takes it without (docs/customerio.md#identity).
        bare = value.removeprefix("cio_") if self.kind == "cio_id" else value
        return Identifier(self.kind, bare) if bare else None

    def with_identifiers(self, attributes: Mapping[str, Any], identity: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the attributes to send, with those that are identifiers beside the one that addresses the person."""
        return attributes

    def clearable(self, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns those of the attributes held that may be emptied: an id that is set stays."""
        return {name: value for name, value in held.items() if name != _ID} if _ID in held else held

    def with_id(self, person: Profile, there: Profile | None) -> Profile:
        """Returns the person with the id that they have as an attribute: Customer.io does not change an id."""
        held = None if there is None or _ID not in self.beside else there.attributes.get(_ID)
        if not isinstance(held, str) or person.attributes.get(_ID) == held:
            return person
        return person._replace(attributes={**person.attributes, _ID: held})

    def also_known_by(self, person: Profile | None) -> tuple[Identifier, ...]:
        """Returns the identifiers of a person beside the one that addresses them."""
        if person is None:
            return ()
        return tuple(each for name in self.beside if (each := _among_attributes(person, name)) is not None)

    def keeping_id(self, person: Profile, possible: Callable[[], Sequence[Identifier]]) -> Profile:
        """Returns the person under the id that they have, or may have, in Customer.io, if upstream gives none."""
        return person

    def gives_id(self, delivered: Profile | None, person: Profile) -> bool:
        """Says whether the person was delivered by the e-mail that is theirs still, and has an id now."""
        return False

    def not_their_own(
        self,
        delivered: Profile | None,
        person: Profile,
        others: Sequence[Identifier],
    ) -> tuple[Identifier, ...]:
        """Returns those of the other identifiers that belong to another profile."""
        return tuple(others)

    def lead_apart(
        self,
        delivered: Profile | None,
        person: Profile,
        others: Sequence[Identifier],
    ) -> Identifier | None:
        """Returns the lead who has the person's e-mail while the person is there without it: two in Customer.io."""
        return None

    def lead_with_their_id(
        self,
        entity: Entity,
        person: Profile,
        others: Sequence[Identifier],
    ) -> Identifier | None:
        """Returns the lead, by a former e-mail, who may have got the person's id by a request without an answer."""
        return None


@dataclass(frozen=True, slots=True)
class ByIdOrEmail(Addressing):
    """Addressing by id, and by e-mail for those who have none.

    The e-mail under which a lead was delivered is not another person's once they have an id: nothing is merged with it,
    and nothing deleted.
    """

    kind: Literal["id", "email", "cio_id"] = "id"

    @property
    def knows_leads(self) -> bool:
        """Leads are known by e-mail alone."""
        return True

    def identifier(self, identity: Mapping[str, Any]) -> Identifier | None:
        """Returns the id, else the e-mail address."""
        value, email = said(identity), identity.get(_EMAIL)
        if value is not None:
            return Identifier("id", value)
        return Identifier(_EMAIL, email) if email is not None and has_email(email) else None

    def all_named(self, identity: Mapping[str, Any]) -> tuple[Identifier, ...]:
        """Returns the id, and the e-mail address."""
        email = {_EMAIL: identity.get(_EMAIL)}
        found = (self.identifier(identity), self.identifier(email))
        return tuple(dict.fromkeys(each for each in found if each is not None))

    def given(self, value: str) -> Identifier | None:
        """Returns the identifier that a text is: with an "@" in it, it is an e-mail address."""
        kind = _EMAIL if "@" in value else "id"
        return None if kind == _EMAIL and not has_email(value) else Identifier(kind, value)

    def with_identifiers(self, attributes: Mapping[str, Any], identity: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns the attributes with the e-mail address first: it is in the first part of a person sent in parts.

        It is an identifier, and goes as upstream writes it; one that is none ("n/a") is not sent as one.
        """
        email = identity.get(_EMAIL)
        if has_email(email):
            return {_EMAIL: email, **{name: value for name, value in attributes.items() if name != _EMAIL}}
        given = attributes.get(_EMAIL)
        fit = not isinstance(given, str) or has_email(given)
        return dict(attributes) if fit else {**attributes, _EMAIL: None}

    def clearable(self, held: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns all but the e-mail address."""
        return {name: value for name, value in held.items() if name != _EMAIL}

    def also_known_by(self, person: Profile | None) -> tuple[Identifier, ...]:
        """Returns the e-mail address, which is theirs beside their id."""
        email = email_of(person) if person else None
        return (email,) if email else ()

    def keeping_id(self, person: Profile, possible: Callable[[], Sequence[Identifier]]) -> Profile:
        """Returns the person under an id that they may have: Customer.io cannot take an id away."""
        if person.identifier.type != _EMAIL:
            return person
        return next((person._replace(identifier=each) for each in possible() if each.type == "id"), person)

    def gives_id(self, delivered: Profile | None, person: Profile) -> bool:
        """Says whether a lead has got an id: they are the same person."""
        return delivered is not None and delivered.identifier.type == _EMAIL and _is_own(delivered.identifier, person)

    def not_their_own(
        self, delivered: Profile | None, person: Profile, others: Sequence[Identifier]
    ) -> tuple[Identifier, ...]:
        """Returns the others without the person's own e-mail, now or as delivered."""
        there = delivered if delivered is not None and delivered.identifier.type == "id" else None
        return tuple(each for each in others if not _is_own(each, person) and not (there and _is_own(each, there)))

    def lead_apart(self, delivered: Profile | None, person: Profile, others: Sequence[Identifier]) -> Identifier | None:
        """Returns the lead who is there beside the person, if that one was delivered without the e-mail."""
        if delivered is None or not delivered.identifier.same_as(person.identifier):
            return None
        return next((each for each in others if _is_own(each, person) and not _is_own(each, delivered)), None)

    def lead_with_their_id(self, entity: Entity, person: Profile, others: Sequence[Identifier]) -> Identifier | None:
        """Returns such a lead only in doubt, and only if nobody was delivered under the id."""
        there = entity.delivered
        if not entity.doubt or (there is not None and there.identifier.type != _EMAIL):
            return None
        if not any(each.same_as(person.identifier) for each in entity.tried.identifiers):
            return None
        return next((each for each in others if each.type == _EMAIL and not _is_own(each, person)), None)


def of(identify_by: str, *, email_identifies: bool = True) -> Addressing:
    """Returns the strategy that `identify_by` names; `email_identifies`: e-mail addresses identify in the workspace."""
    match identify_by:
        case "id" | "email" | "cio_id":
            names = ("id", _EMAIL) if email_identifies else ("id",)
            return Addressing(identify_by, tuple(name for name in names if name != identify_by))
        case _:
            return ByIdOrEmail()


def _among_attributes(person: Profile, name: str) -> Identifier | None:
    if name == _EMAIL:
        return email_of(person)
    value = person.attributes.get(name)
    return Identifier(name, value) if isinstance(value, str) and value and "\0" not in value else None


def _is_own(identifier: Identifier, person: Profile) -> bool:
    """Says whether the identifier is the e-mail of a person who is known by their id."""
    own = email_of(person)
    return person.identifier.type == "id" and own is not None and identifier.same_as(own)
