"""What every format reads the same way: who a message is about, segments, and one message without its neighbours.

A reader raises UnreadableError where a message says nothing we can act on; `attempt` turns that into a value, so that
the messages beside it go on (reference: hull-behaviour, 10, point 4).
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from connector.model.change import Message, Segment, Unreadable
from connector.errors import UnreadableError

KEY_LENGTH = 500
_SHOWN = 60
_INTEGER_BITS = 512
_NOT_IN_KEYS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_NOT_IN_TEXT = re.compile("[\x00\ud800-\udfff]")


def attempt(read: Callable[[Any], list[Message]], message: object) -> list[Message]:
    """What `read` makes of one message; where it cannot, the message with the reason."""
    try:
        return read(message)
    except UnreadableError as error:
        return [Unreadable(str(error), message)]


def attempt_each(read: Callable[[Any], list[Message]], body: object, otherwise: str) -> list[Message]:
    """What `read` makes of a message, or of each in a list of them.

    Raises UnreadableError, with the reason `otherwise`, where the body is neither.
    """
    if isinstance(body, dict):
        return attempt(read, body)
    if not isinstance(body, list):
        raise UnreadableError(otherwise)
    return [answer for message in body for answer in attempt(read, message)]


def word(value: object) -> str | None:
    """The text of an identifier or a name: a string that is not blank, or an integer; None where it is neither."""
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < _INTEGER_BITS:
        return str(value)
    return None


def storable(text: str) -> bool:
    """Whether a text has neither NUL, which PostgreSQL cannot hold, nor half a surrogate pair, which is not UTF-8."""
    return _NOT_IN_TEXT.search(text) is None


def user_key(user: Mapping[str, Any], anonymous_id: str | None) -> str:
    """The key of a user. Users without an identifier have none, so they never become one person.

    (reference: hull-behaviour, 10, point 5)
    """
    key = _identifier(user, anonymous_id)
    if key is None:
        raise UnreadableError("the message names no user")
    if len(key) > KEY_LENGTH:
        raise UnreadableError(f"the user's identifier is longer than {KEY_LENGTH} characters")
    if _NOT_IN_KEYS.search(key):
        raise UnreadableError("the user's identifier has control characters or broken Unicode")
    return key


def _identifier(user: Mapping[str, Any], anonymous_id: str | None) -> str | None:
    """An e-mail without "@" ("n/a") names nobody."""
    if (own := word(user.get("id"))) is not None:
        return own
    if (external := word(user.get("external_id"))) is not None:
        return f"external_id:{external}"
    email = user.get("email")
    if isinstance(email, str) and "@" in email:
        return f"email:{email.strip().lower()}"
    return None if anonymous_id is None else f"anonymous_id:{anonymous_id}"


def visitor(user: Mapping[str, Any]) -> str | None:
    """The first usable anonymous id of a user."""
    many = user.get("anonymous_ids")
    for value in (*(many if isinstance(many, list) else ()), user.get("anonymous_id")):
        if isinstance(value, str) and value.strip() and storable(value):
            return value
    return None


@lru_cache(maxsize=4096)
def segment(key: str, name: str) -> Segment:
    """The segment of this key and name; few of them are named in very many messages, so they are kept."""
    if not (storable(key) and storable(name)):
        raise UnreadableError("the name or id of a segment has NUL or broken Unicode")
    return Segment(key, name)


def segment_of(entry: object, name_of: Callable[[str], str]) -> Segment:
    """A segment given as {"id", "name"}, or by its id or name alone; `name_of` knows the name of a bare id.

    Leaving out one that cannot be read could take a person out of the audience: the message is refused.
    """
    if isinstance(entry, dict):
        name, key = word(entry.get("name")), word(entry.get("id"))
    else:
        name, key = None, word(entry)
    key = name if key is None else key
    if key is None:
        raise UnreadableError("a segment has neither an id nor a name")
    return segment(key, name_of(key) if name is None else name)


def known(given: Mapping[str, Any], fields: Collection[str], whose: str) -> None:
    """Refuses a field that is none of `fields`, so that a typo is seen."""
    for name in given:
        if name not in fields:
            near = get_close_matches(name[:60].strip().lower(), fields, 1, 0.5)
            hint = f'is "{near[0]}" meant?' if near else f"allowed are {', '.join(fields)}"
            raise UnreadableError(f"{whose} has an unknown field {shown(name)}: {hint}")


def unique(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """The segments, each key once, in the order in which they first came."""
    found: dict[str, Segment] = {}
    for each in segments:
        found.setdefault(each.key, each)
    return tuple(found.values())


def object_in(container: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object under `name`, {} where there is none. Raises UnreadableError where it is something else."""
    value = container.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnreadableError(f'"{name}" is not an object')
    return value


def text_in(container: object, name: str) -> str | None:
    """The text under `name` where it is neither blank nor beyond storing; None where there is none."""
    value = container.get(name) if isinstance(container, dict) else None
    return value if isinstance(value, str) and value.strip() and storable(value) else None


def shown(value: object) -> str:
    """A name from a message as a reason may quote it: short, and in ASCII."""
    return json.dumps(value[:_SHOWN] if isinstance(value, str) else str(type(value).__name__))
