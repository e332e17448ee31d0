"""The forms in which upstreams say what changed: one module a form, each with `parse(body) -> changes`.

A new form is one new module here, its line in `_PARSERS`, and its test.
"""

from collections.abc import Callable, Mapping

from connector.model.change import Message, Unreadable
from connector.errors import SettingsError
from connector.formats import hull, lytics, native, segment_spec
from connector.formats.body import decode, documents, whole_characters
from connector.formats.reading import attempt

__all__ = ["NAMES", "decode", "documents", "parse", "read", "whole_characters"]

_PARSERS: Mapping[str, Callable[[object], list[Message]]] = {
    "hull": hull.parse,
    "native": native.parse,
    "lytics": lytics.parse,
    "segment": segment_spec.parse,
}
NAMES: tuple[str, ...] = tuple(_PARSERS)


def parse(format: str, body: object) -> list[Message]:
    """The changes a decoded body tells of, in its order; a message that cannot be read is there with its reason.

    Raises UnreadableError where the body as a whole is not what the format says.
    """
    if format not in _PARSERS:
        raise SettingsError(f"unknown format {format!r}: it is one of {', '.join(NAMES)}")
    return _PARSERS[format](body)


def read(format: str, body: bytes) -> list[Message]:
    """The changes of a body as it came: one JSON value, or NDJSON, of which a bad line harms only itself."""
    found = list(documents(body))
    if len(found) == 1:
        return parse(format, found[0])
    return [answer for document in found for answer in attempt(lambda value: _line(format, value), document)]


def _line(format: str, document: object) -> list[Message]:
    return [document] if isinstance(document, Unreadable) else parse(format, document)
