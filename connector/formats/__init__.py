"""The forms in which upstreams say what changed: one module a form, each with `parse(body) -> changes`.

A new form is one new module here, its line in `_PARSERS`, and its test.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from connector.errors import SettingsError
from connector.formats import hull, lytics, native, size
from connector.formats.body import decode, documents
from connector.formats.reading import attempt_all
from connector.formats.segment import spec
from connector.model.change import Message, Unreadable

__all__ = ["NAMES", "decode", "documents", "parse", "read"]

_PARSERS: Mapping[str, Callable[[object], list[Message]]] = {
    "hull": hull.parse,
    "native": native.parse,
    "lytics": lytics.parse,
    "segment": spec.parse,
}
NAMES: tuple[str, ...] = tuple(_PARSERS)


def parse(format: str, body: object) -> list[Message]:
    """Returns the changes that a decoded body tells of, in order; one that cannot be read is there with its reason.

    Raises UnreadableError where the body as a whole is not what the format says.
    """
    size.check_messages(body)
    if format not in _PARSERS:
        raise SettingsError(f"unknown format {format!r}: it is one of {', '.join(NAMES)}")
    return refused_as(format, _PARSERS[format](body))


def read(format: str, body: bytes) -> list[Message]:
    """Returns the changes of a body as it came: one JSON value, or NDJSON, of which a bad line harms only itself."""
    size.check_values(body)
    found = list(documents(body))
    if len(found) == 1:
        return parse(format, found[0])
    return refused_as(format, attempt_all(lambda value: _line(format, value), found))


def refused_as(format: str, messages: list[Message]) -> list[Message]:
    """Returns the messages, of which those that cannot be read know what they were read as."""
    if not any(isinstance(each, Unreadable) for each in messages):
        return messages
    return [replace(each, form=each.form or format) if isinstance(each, Unreadable) else each for each in messages]


def _line(format: str, document: object) -> list[Message]:
    return [document] if isinstance(document, Unreadable) else parse(format, document)
