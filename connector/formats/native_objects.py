"""The native form's messages about an object alone, and the relationships that native messages name."""

from collections.abc import Mapping
from typing import Any

from connector.errors import UnreadableError
from connector.formats import relationships
from connector.formats.reading import known
from connector.formats.user_key import user_key, visitor
from connector.model import times
from connector.model.change import Change, Message, ObjectChange, Relationship

FIELDS = ("object", "version", "whole", "message_id")
OBJECT_FIELDS = ("type", "id", "attributes", "deleted", "left", "relationships")
RELATIONSHIP_FIELDS = ("type", "id", "attributes", "deleted")
USER_FIELDS = ("user", "attributes", "deleted")


def read(message: Mapping[str, Any], version: int | None, *, whole: bool, message_id: str | None) -> list[Message]:
    """Reads a message about an object.

    Args:
        message: The message, with a member `object`.
        version: The message's version; None if it has none.
        whole: Whether it names all attributes of the object.
        message_id: The message's id; None if it has none.

    Returns:
        The change of the object, and a change for each user whose relationship to it the message sets or ends.

    Raises:
        UnreadableError: The message is not of this form.
    """
    given = message["object"]
    known(message, FIELDS, "the message about an object")
    if not isinstance(given, dict):
        raise UnreadableError('"object" is not an object')
    known(given, OBJECT_FIELDS, "the object")
    change = ObjectChange(
        type=relationships.type_id(given.get("type")),
        id=relationships.object_id(given.get("id")),
        attributes=relationships.attributes(given.get("attributes"), "the object"),
        whole=whole,
        version=version,
        deleted=flag(given, "deleted", "the object"),
        left=flag(given, "left", "the object"),
    )
    people = [_person(each, change, message_id) for each in _listed(given.get("relationships"))]
    return [change, *people]


def _person(given: Mapping[str, Any], about: ObjectChange, message_id: str | None) -> Change:
    """Returns what a message about an object says about one user, as a message of their own.

    Its version is the object's. It orders the change among the user's own messages only if it is a time.
    """
    known(given, USER_FIELDS, "a relationship of the object")
    user = given.get("user")
    if not isinstance(user, dict):
        raise UnreadableError("a relationship of the object names no user")
    gone = flag(given, "deleted", "a relationship")
    related = relationships.relationship(about.type, about.id, given.get("attributes"), gone=gone)
    anonymous_id = visitor(user)
    key = user_key(user, anonymous_id)
    version = times.across(about.version)
    return Change(
        key, user, version=version, anonymous_id=anonymous_id, message_id=message_id, relationships=(related,)
    )


def of_user(given: object) -> tuple[Relationship, ...] | None:
    """Returns the relationships in a message about a user.

    One that cannot be read refuses the message: to leave it out of a whole list would end it.
    """
    return None if given is None else tuple(map(_relationship, _listed(given)))


def _relationship(given: Mapping[str, Any]) -> Relationship:
    known(given, RELATIONSHIP_FIELDS, "the relationship")
    gone = flag(given, "deleted", "a relationship")
    return relationships.relationship(given.get("type"), given.get("id"), given.get("attributes"), gone=gone)


def _listed(given: object) -> list[dict[str, Any]]:
    if given is None:
        return []
    if not isinstance(given, list) or len(given) > relationships.MOST:
        raise UnreadableError(f'"relationships" is not a list of at most {relationships.MOST}')
    if not all(isinstance(each, dict) for each in given):
        raise UnreadableError("a relationship is not an object")
    return given


def flag(given: Mapping[str, Any], field: str, whose: str) -> bool:
    """Returns whether a field is true. Raises UnreadableError unless it is true, false or null."""
    value = given.get(field)
    if not isinstance(value, bool | None):
        raise UnreadableError(f'"{field}" of {whose} is neither true nor false')
    return bool(value)
