"""What every format reads the same way: the user of a message, segments, and one message without its neighbours.

A reader raises UnreadableError where a message says nothing we can act on; `attempt` turns that into a value, so that
the messages beside it go on (docs/messages.md#what-happens-to-bad-messages).
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from connector.errors import UnreadableError
from connector.model import bounds, identifiers
from connector.model.bounds import storable
from connector.model.change import Message, Segment, Unreadable

_SHOWN = 60


def attempt(read: Callable[[Any], list[Message]], message: object) -> list[Message]:
    """Returns what `read` makes of one message; where it cannot, the message with the reason."""
    try:
        return read(message)
    except UnreadableError as error:
        return [Unreadable(str(error), message)]


def attempt_all(read: Callable[[Any], list[Message]], messages: Iterable[object]) -> list[Message]:
    """Returns what `read` makes of each message; each knows its place among them."""
    return [answer for index, message in enumerate(messages) for answer in placed(attempt(read, message), index)]


def placed(answers: list[Message], index: int) -> list[Message]:
    """Tells what was made of a message its place, and returns it: it may be refused later still."""
    for each in answers:
        object.__setattr__(each, "index", index)  # just made, and nobody else's yet; a copy of each would cost more
    return answers


def attempt_each(read: Callable[[Any], list[Message]], body: object, otherwise: str) -> list[Message]:
    """Returns what `read` makes of a message, or of each in a list of them.

    Raises UnreadableError, with the reason `otherwise`, where the body is neither.
    """
    if isinstance(body, dict):
        return attempt(read, body)
    if not isinstance(body, list):
        raise UnreadableError(otherwise)
    return attempt_all(read, body)


def word(value: object) -> str | None:
    """Returns the text of a name, or of the id of a segment or an event: as it is written, where it is not blank."""
    if isinstance(value, str):
        return value if value.strip() else None
    return identifiers.text(value)


@lru_cache(maxsize=4096)
def _written(key: str, name: str) -> Segment | None:
    """Returns the segment of a key and a name that are texts, as nearly all are; None if either is blank."""
    return segment(key, name) if key.strip() and name.strip() else None


@lru_cache(maxsize=4096)
def segment(key: str, name: str) -> Segment:
    """Returns the segment of this key and name; few of them are named in very many messages, so they are kept."""
    if not (storable(key) and storable(name)):
        raise UnreadableError("the name or id of a segment has NUL or broken Unicode")
    return Segment(key, name)


def segment_of(entry: object, name_of: Callable[[str], str]) -> Segment:
    """Returns a segment given as {"id", "name"}, or by its id or name alone; `name_of` knows the name of a bare id.

    Leaving out one that cannot be read could take a person out of the audience: the message is refused.
    """
    if isinstance(entry, dict):
        id, named = entry.get("id"), entry.get("name")
        if type(id) is str and type(named) is str and (found := _written(id, named)) is not None:
            return found
        key, name = word(id), word(named)
    else:
        name, key = None, word(entry)
    key = name if key is None else key
    if key is None:
        raise UnreadableError("a segment has neither an id nor a name")
    return segment(key, name_of(key) if name is None else name)


def segments_of(entries: Iterable[object], name_of: Callable[[str], str]) -> tuple[Segment, ...]:
    """Returns the segments that a list gives, as `segment_of` reads each, each key once."""
    return unique([segment_of(entry, name_of) for entry in entries])


def known(given: Mapping[str, Any], fields: Collection[str], whose: str) -> None:
    """Raises UnreadableError for a field that is none of `fields`, so that a typo is seen."""
    for name in given:
        if name not in fields:
            near = get_close_matches(name[:60].strip().lower(), fields, 1, 0.5)
            hint = f'is "{near[0]}" meant?' if near else f"allowed are {', '.join(fields)}"
            raise UnreadableError(f"{whose} has an unknown field {shown(name)}: {hint}")


def unique(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Returns the segments, each key once, in the order in which they first came."""
    found: dict[str, Segment] = {}
    for each in segments:
        found.setdefault(each.key, each)
    return tuple(found.values())


def object_in(container: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Returns the object under `name`, {} where there is none. Raises UnreadableError where it is something else."""
    return object_of(container.get(name), f'"{name}" is')


def object_of(value: object, what: str) -> Mapping[str, Any]:
    """Returns a value that is an object, {} where it is null, or `[]`, as PHP writes an empty object.

    Raises UnreadableError where it is something else, worded as "`what` not an object".
    """
    if value is None or value == []:
        return {}
    if not isinstance(value, dict):
        raise UnreadableError(f"{what} not an object")
    return value


def text_in(container: object, name: str) -> str | None:
    """Returns the text under `name` where it is neither blank nor beyond storing; None where there is none."""
    value = container.get(name) if isinstance(container, dict) else None
    return value if isinstance(value, str) and value.strip() and storable(value) else None


def unkept(**fields: object) -> tuple[str, ...]:
    """Returns, for each of these fields that is a text beyond keeping, that it is left out, and why."""
    found: tuple[str, ...] = ()
    for name, value in fields.items():
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, str) and not storable(each):
                found += (f'"{name}" {bounds.fault(each)}: it is left out',)
    return found


def unread_time(name: str, otherwise: str = "the order of arrival counts") -> str:
    """Returns the words of the problem for a field that should hold a time and does not."""
    return f'"{name}" is no time that can be read (ISO 8601, or unix seconds): {otherwise}'


def shown(value: object) -> str:
    """Returns a name from a message as a reason may quote it: short, and in ASCII."""
    return json.dumps(value[:_SHOWN] if isinstance(value, str) else str(type(value).__name__))
