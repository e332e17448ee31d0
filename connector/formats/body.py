"""From the bytes of a body to JSON values: one value, or one value a line (NDJSON)."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from jiter import from_json

from connector.errors import UnreadableError
from connector.formats import size
from connector.model import bounds
from connector.model.change import Unreadable

_KEPT_OF_A_LINE = 10_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DEEPEST_LOOKED_AT = 10_000
_MOST_DIGITS = 1000
_CAN_BE_READ_IN_PART = re.compile("duplicate key|surrogate|hex escape|unicode code point|out of range|recursion limit")
_OF_ONE_LINE = re.compile(r" at line \d+ (?=column)")
_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""A text, also one without an end: tried again from each quote within it, it would take the square of its length."""


def decode(body: bytes | str) -> object:
    """Returns the JSON value of a body. What no store or reader can take stands there as something `bounds` refuses.

    So a NaN, half of a surrogate pair, a byte that is not UTF-8, a number of too many digits, a name given twice, or
    what is nested too deep costs its own field, and not the body with all that stands beside it.
    """
    try:
        given = body.encode() if isinstance(body, str) else body
        value: object = from_json(given.removeprefix(_BYTE_ORDER_MARK), catch_duplicate_keys=True, cache_mode="keys")
    except ValueError as error:
        if not _CAN_BE_READ_IN_PART.search(str(error)):
            raise UnreadableError(f"the body is not JSON: {error}") from error
        text = body if isinstance(body, str) else body.decode(errors="surrogateescape")
        return _read_in_part(text.removeprefix("\ufeff"))
    return value


def _read_in_part(text: str) -> object:
    """Reads by the stdlib's reader, which is slower, and lets each of these stand in its place."""
    try:
        try:
            return _loaded(text)
        except RecursionError:
            return _loaded(_without_what_is_deep(text))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"the body is not JSON: {error}") from error


def _loaded(text: str) -> object:
    value: object = json.loads(text, parse_int=_integer, object_pairs_hook=_object)
    return value


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else bounds.marked(bounds.TOO_LONG)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = (name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        found.update(dict.fromkeys(twice, bounds.marked(bounds.TWICE)))
    return found


def _without_what_is_deep(text: str) -> str:
    """Returns the text with a mark in place of each value that stands deeper than is read."""
    parts: list[str] = []
    depth = kept = 0
    for token in _TOKENS.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth == bounds.READ_DEPTH + 1:
                parts += (text[kept : token.start()], json.dumps(bounds.marked(bounds.DEEP)))
            elif depth > _DEEPEST_LOOKED_AT:
                raise UnreadableError(f"the body is nested more than {_DEEPEST_LOOKED_AT} deep")
        elif token[0] in "]}":
            kept = token.end() if depth == bounds.READ_DEPTH + 1 else kept
            depth -= 1
    return "".join((*parts, text[kept:] if depth <= bounds.READ_DEPTH else ""))


def documents(body: bytes) -> Iterator[object]:
    """Yields the JSON values of a body: the one it is, or else one a line. A line that is not JSON is an Unreadable.

    Blank lines count for nothing. A body of which no line is an object or a list is not NDJSON but broken JSON.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK).strip()
    try:
        whole = decode(text)
    except UnreadableError:
        if not _is_ndjson(text):
            raise
        size.check_lines(text)
        first = body[: body.index(text)].count(b"\n") + 1
        yield from (_line(line, number) for number, line in enumerate(text.splitlines(), first) if line.strip())
    else:
        yield whole


def _is_ndjson(text: bytes) -> bool:
    """Says whether it is NDJSON. A broken list over several lines is not, though its last item may be a line."""
    first, _, rest = text.partition(b"\n")
    if not rest or (first.startswith(b"[") and not _is_document(first)):
        return False
    return any(map(_is_document, text.splitlines()))


def _is_document(line: bytes) -> bool:
    """Says whether a line that is not indented is one whole object or list."""
    if not line.startswith((b"{", b"[")):
        return False
    return not isinstance(_line(line, 1), Unreadable)


def _line(line: bytes, number: int) -> object:
    """Returns the value of a line, or why it has none, without the reader's own count of lines, which begins here."""
    try:
        return decode(line)
    except UnreadableError as error:
        reason = _OF_ONE_LINE.sub(" at ", str(error).replace("the body", f"line {number}", 1))
        return Unreadable(reason, line.decode(errors="replace")[:_KEPT_OF_A_LINE])
