"""Knows the names that a user goes by, and whether JSON or a text mentions them: every trace must be found.

A name of digits alone could be any number. It counts only under a key that says that it names somebody ("id",
"userId", "email"), or in quotes, or behind such a key in a text.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any, Literal

from pydantic_core import from_json
from sqlalchemy import ColumnElement, func, or_

from connector.model.entity import Entity, Identifier

KnownBy = Literal["key", "identifier", "said", "visitor"]
"""The ways in which a user is known by a name: as upstream's key; under an identifier that Customer.io may have; only
as upstream says, without ever having been sent under it; or only by the anonymous id of the visitor whom they were.
"""
_NAMING = re.compile(r"(id|ids|key|user|e-?mail|identifier)$", re.IGNORECASE)
_BEFORE, _AFTER = r"(?<![\w@+-])(?<!\w\.)", r"(?![\w@+-])(?!\.\w)"
_WRITTEN_IN_TWO_WAYS = re.compile("(?:i\u0307|[^A-Za-z0-9@.-])+")
"""Other characters than ASCII's letters, digits and @.-, and the lower case of a Turkish capital I (i and a dot)."""
_NAMED = r"""(?:["'/]|(?:id|key|user)["'\\]*\s*[:=]\s*)"""


def known_as(entity: Entity, user: str) -> frozenset[KnownBy]:
    """Returns how the user of this row is known by the name `user`; empty if the name is somebody else's."""
    found: set[KnownBy] = {"key"} if entity.key == user else set()
    sent = entity.delivered.attributes.get("email") if entity.delivered else None
    if any(each.same_as(Identifier(each.type, user)) for each in _sent(entity)) or _same_email(sent, user):
        found.add("identifier")
    said = entity.facts.identity.values
    if user in (said.get("identifier"), said.get("presumed")) or any(
        _same_email(each, user) for each in _emails(entity)
    ):
        found.add("said")
    if user == entity.facts.lifecycle.anonymous_id:
        found.add("visitor")
    return frozenset(found)


def names(entity: Entity, identifiers: Iterable[Identifier]) -> frozenset[str]:
    """Returns the names, in lower case, that may mean a user: their key, these identifiers, their e-mail addresses."""
    emails = (each for each in _emails(entity) if isinstance(each, str) and "@" in each)
    found = (entity.key, *(each.value for each in identifiers), *emails)
    return frozenset(each.lower() for each in found if each.strip())


def _sent(entity: Entity) -> tuple[Identifier, ...]:
    delivered = (entity.delivered.identifier, *entity.delivered.former) if entity.delivered else ()
    return (*delivered, *entity.tried.identifiers)


def _emails(entity: Entity) -> tuple[Any, ...]:
    facts = entity.facts
    sent = entity.delivered.attributes.get("email") if entity.delivered else None
    return (facts.identity.values.get("email"), facts.attributes.values.get("email"), sent)


def _same_email(value: Any, user: str) -> bool:
    return isinstance(value, str) and "@" in user and value.lower() == user.lower()


def mentions(value: Any, names: Collection[str], under: str = "") -> bool:
    """Says whether a JSON value, which is under the key `under`, mentions somebody by one of these names.

    names: in lower case.
    """
    match value:
        case str():
            return _is_name(value.lower(), names, under) or _words(value, names)
        case dict():
            return any(_is_name(key.lower(), names, "") or mentions(value[key], names, key) for key in value)
        case list():
            return any(mentions(each, names, under) for each in value)
        case bool() | None:
            return False
        case number:
            return _is_name(str(number), names, under)


def text_mentions(text: str, names: Collection[str]) -> bool:
    """Says whether a text mentions somebody by one of these names; if it is JSON, whether its value does."""
    try:
        value = from_json(text)
    except ValueError:
        return _words(text, names)
    return mentions(value, names)


def _is_name(value: str, names: Collection[str], under: str) -> bool:
    return value in names and (not value.isdigit() or _NAMING.search(under) is not None)


def _words(text: str, names: Collection[str]) -> bool:
    """Says whether the text has a name as a word of its own."""
    return any(_pattern(name).search(text) is not None for name in names if name in text.lower())


@lru_cache(maxsize=64)
def _pattern(name: str) -> re.Pattern[str]:
    before = _NAMED if name.isdigit() else _BEFORE
    return re.compile(before + re.escape(name) + _AFTER, re.IGNORECASE)


def may_mention(column: ColumnElement[str], names: Collection[str]) -> ColumnElement[bool]:
    """Returns the condition that a text may hold one of these names, whatever its case and however JSON escaped it.

    Only characters that every database and encoding writes in one way are compared; the caller must look closer.
    """
    patterns = (_WRITTEN_IN_TWO_WAYS.sub("%", name).lower() for name in names)
    return or_(*(func.lower(column).like(f"%{pattern}%") for pattern in patterns))
