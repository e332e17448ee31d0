"""Where the fields of an action take their values from: paths into the call, and values given as they are.

A source is a list of paths and values, of which the first counts that is there and that the field can take. A field
that is an object names a source for each of its entries, and under "*" the objects that it takes whole.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from connector.errors import UnreadableError
from connector.formats.reading import word
from connector.formats.segment.calls import microseconds
from connector.model.bounds import storable
from connector.model.change import Fields

ABSENT: Any = object()
WHOLE = "*"
VALUE = "value"
_FORM = re.compile(r"[^.\s]([^.]*[^.\s])?(\.[^.\s]([^.]*[^.\s])?)*")
_TOPS = frozenset({
    "anonymousId", "category", "channel", "context", "created_at", "createdAt", "email", "event", "groupId",
    "integrations", "messageId", "name", "originalTimestamp", "previousId", "projectId", "properties", "receivedAt",
    "sentAt", "timestamp", "traits", "type", "userId", "version",
})  # fmt: skip


class Path(NamedTuple):
    """A way into a call: `context.device.token` is ("context", "device", "token")."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        """Returns the path as the settings write it."""
        return ".".join(self.names)

    @property
    def is_known(self) -> bool:
        """Says whether the field that it begins with is one that calls have."""
        return self.names[0] in _TOPS

    def find(self, call: Fields) -> Any:
        """Returns the value in `call`, or ABSENT. A number in a path counts the items of a list, from 0."""
        value: Any = call
        for name in self.names:
            if isinstance(value, dict) and name in value:
                value = value[name]
            elif isinstance(value, list) and name.isdecimal() and len(name) < 10 and int(name) < len(value):
                value = value[int(name)]
            else:
                return ABSENT
        return value


class Constant(NamedTuple):
    """A value that stands in the settings."""

    value: Any

    def __str__(self) -> str:
        """Returns the value as a sentence shows it."""
        return f'"{self.value}"' if isinstance(self.value, str) else str(self.value).lower()


TemplateSource = tuple[Path | Constant, ...]


@dataclass(frozen=True, slots=True)
class TemplateObject:
    """An object, made of whole objects of the call and of single entries, which stand over them."""

    whole: tuple[Path, ...] = ()
    entries: tuple[tuple[str, TemplateSource], ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths in it."""
        return (*self.whole, *(each for _, source in self.entries for each in source if isinstance(each, Path)))


class ValueKind(NamedTuple):
    """What a field takes: its name for people, and what becomes of a value, ABSENT where the field cannot take it."""

    name: str
    take: Callable[[Any], Any]


def _text(value: Any) -> Any:
    return value if isinstance(value, str) and value.strip() and storable(value) else ABSENT


def _word(value: Any) -> Any:
    text = word(value)
    return ABSENT if text is None else text


def _time(value: Any) -> Any:
    at = microseconds(value)
    return ABSENT if at is None else at // 1_000_000


TEXT = ValueKind("text", _text)
WORD = ValueKind("text or a whole number", _word)
TIME = ValueKind("a time", _time)
SOMETHING = ValueKind("anything but null", lambda value: ABSENT if value is None else value)
ANYTHING = ValueKind("anything", lambda value: value)
OBJECT = ValueKind("a table", lambda value: value if isinstance(value, dict) else ABSENT)


def path(given: object) -> Path:
    """Returns the path that a text is. Raises UnreadableError with what is accepted."""
    if not isinstance(given, str) or not _FORM.fullmatch(given) or not storable(given):
        raise UnreadableError("give a path into the call, such as traits.email or context.device.token")
    names = given.split(".")
    if names[0].startswith("$"):
        raise UnreadableError("give the path without $: traits.email")
    return Path(tuple(names))


def source(given: object) -> TemplateSource:
    """Returns the source that the settings give: a path, { value = ... }, or a list of them. Raises UnreadableError."""
    if isinstance(given, list | tuple):
        if not given:
            raise UnreadableError("give at least one path")
        return tuple(each for one in given for each in _single(one))
    return _single(given)


def _single(given: object) -> TemplateSource:
    if not isinstance(given, dict):
        return (path(given),)
    if list(given) != [VALUE] or not is_plain(given[VALUE]):
        raise UnreadableError("give a path, a list of paths, or { value = ... } with text, a number, true or false")
    return (Constant(given[VALUE]),)


def is_plain(value: object) -> bool:
    """Says whether a value that stands in the settings is text, a finite number, true or false."""
    return isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))


def table(given: object) -> TemplateObject:
    """Returns the table that the settings give: a path to an object, or { NAME = source, "*" = path }.

    Raises UnreadableError.
    """
    if not isinstance(given, dict):
        return TemplateObject(_paths(given))
    if not given:
        return TemplateObject()
    entries = tuple((name, source(each)) for name, each in given.items() if name != WHOLE)
    return TemplateObject(_paths(given[WHOLE]) if WHOLE in given else (), entries)


def _paths(given: object) -> tuple[Path, ...]:
    if isinstance(given, list | tuple) and given:
        return tuple(path(each) for each in given)
    return (path(given),)


def first(call: Fields, source: TemplateSource, kind: ValueKind) -> Any:
    """Returns the first value of the source that is there and that a field of this kind takes, or ABSENT."""
    for each in source:
        found = each.value if isinstance(each, Constant) else each.find(call)
        taken = found if found is ABSENT else kind.take(found)
        if taken is not ABSENT:
            return taken
    return ABSENT


def filled(call: Fields, table: TemplateObject, kind: ValueKind) -> dict[str, Any]:
    """Returns the object that the table makes of a call; `kind` is what its single entries take."""
    whole = first(call, table.whole, OBJECT)
    entries = ((name, first(call, source, kind)) for name, source in table.entries)
    found = {name: value for name, value in entries if value is not ABSENT}
    return found if whole is ABSENT else {**whole, **found}
