"""By what a person is addressed: by the value of the field `identifier`; or by that, and by e-mail without it.

With `identify_by = "id_or_email"` a person who has both is one person in Customer.io, found by either (reference:
customerio-api, 7.1): an identify under an id that nobody has, with the e-mail of somebody, gives that person the id.
"""

from collections.abc import Mapping
from typing import Any

from connector import mapping
from connector.model.entity import Identifier, Person
from connector.audience.rules import Rules


def of(identity: Mapping[str, Any], rules: Rules) -> Identifier | None:
    """The identifier that upstream's word on identity comes to, None where it comes to none."""
    value, email = identity.get("identifier"), identity.get("email")
    if rules.by_either:
        if value is not None:
            return Identifier("id", value)
        return Identifier("email", email) if email is not None and mapping.has_email(email) else None
    if value is None or (rules.identify_by == "email" and not mapping.has_email(value)):
        return None
    return Identifier(rules.identify_by, value)


def given(value: str, rules: Rules) -> Identifier | None:
    """The identifier that a human, or a message, gives as plain text; None where it can be none.

    Where both kinds may be meant, what has an "@" in it is an e-mail address.
    """
    kind = ("email" if "@" in value else "id") if rules.by_either else rules.identify_by
    return None if kind == "email" and not mapping.has_email(value) else Identifier(kind, value)


def with_email(attributes: Mapping[str, Any], identity: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of somebody known by either, with their e-mail address: first, so that it goes in the first part.

    It is an identifier, and goes as upstream writes it; one that is none ("n/a") is not sent as one.
    """
    email = identity.get("email")
    if mapping.has_email(email):
        return {"email": email, **{name: value for name, value in attributes.items() if name != "email"}}
    given = attributes.get("email")
    fit = not isinstance(given, str) or mapping.has_email(given)
    return dict(attributes) if fit else {**attributes, "email": None}


def email(person: Person) -> Identifier | None:
    """The e-mail address of a person as an identifier; None where they have none, or none that is known for sure."""
    value = person.attributes.get("email")
    if not isinstance(value, str) or "\0" in value or not mapping.has_email(value):
        return None
    return Identifier("email", value)
