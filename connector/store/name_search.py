"""The names that a user goes by, and whether JSON or a text speaks of them: for whoever must find every trace.

A name of digits alone could be any number. It counts only under a key that says that it names somebody ("id",
"userId", "email"), or in quotes, or behind such a key in a text.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any, Literal

from pydantic_core import from_json

from connector.model.entity import Entity, Identifier

Known = Literal["key", "identifier", "said"]
"""How a user is known by a name: as upstream's key; under an identifier that Customer.io may have; or only as upstream
says, without ever having been sent under it.
"""
_NAMING = re.compile(r"(id|ids|key|user|e-?mail|identifier)$", re.IGNORECASE)
_BEFORE, _AFTER = r"(?<![\w@+-])(?<!\w\.)", r"(?![\w@+-])(?!\.\w)"
_NAMED = r"""(?:["'/]|(?:id|key|user)["'\\]*\s*[:=]\s*)"""


def known_as(entity: Entity, user: str) -> frozenset[Known]:
    """How the user of this row is known by the name `user`; empty where that is somebody else's."""
    found: set[Known] = {"key"} if entity.key == user else set()
    sent = entity.delivered.attributes.get("email") if entity.delivered else None
    if any(each.same_as(Identifier(each.type, user)) for each in _sent(entity)) or _same_email(sent, user):
        found.add("identifier")
    said = entity.facts.identity.values
    if said.get("identifier") == user or any(_same_email(each, user) for each in _emails(entity)):
        found.add("said")
    return frozenset(found)


def names(entity: Entity, identifiers: Iterable[Identifier]) -> frozenset[str]:
    """What may stand where a user is spoken of: their key, these identifiers, their e-mail addresses; lower case."""
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
    """Whether a JSON value, which stands under the key `under`, speaks of somebody by one of these names.

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
    """The same of a text: of its value where it is JSON."""
    try:
        value = from_json(text)
    except ValueError:
        return _words(text, names)
    return mentions(value, names)


def _is_name(value: str, names: Collection[str], under: str) -> bool:
    return value in names and (not value.isdigit() or _NAMING.search(under) is not None)


def _words(text: str, names: Collection[str]) -> bool:
    """Whether a name stands in the text as a word of its own."""
    return any(_pattern(name).search(text) is not None for name in names if name in text.lower())


@lru_cache(maxsize=64)
def _pattern(name: str) -> re.Pattern[str]:
    before = _NAMED if name.isdigit() else _BEFORE
    return re.compile(before + re.escape(name) + _AFTER, re.IGNORECASE)
