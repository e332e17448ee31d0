"""From the bytes of a body to JSON values: one value, or one value a line (NDJSON)."""

from collections.abc import Iterator

from pydantic_core import from_json

from connector.change import Unreadable
from connector.errors import UnreadableError

_KEPT_OF_A_LINE = 10_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decode(body: bytes | str) -> object:
    """The JSON value of a body. NaN and Infinity are not JSON."""
    try:
        value: object = from_json(body.encode() if isinstance(body, str) else body, allow_inf_nan=False)
    except ValueError as error:
        raise UnreadableError(f"the body is not JSON: {error}") from error
    return value


def documents(body: bytes) -> Iterator[object]:
    """The JSON values of a body: the value it is, or else one a line. A line that is not JSON is an Unreadable.

    Blank lines count for nothing. A body of which no line is an object or a list is not NDJSON but broken JSON.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK).strip()
    try:
        whole = decode(text)
    except UnreadableError:
        if not _is_ndjson(text):
            raise
        yield from (_line(line) for line in text.splitlines() if line.strip())
    else:
        yield whole


def _is_ndjson(text: bytes) -> bool:
    """A list written over several lines, and broken, is a broken list: its last item may well stand alone in a line."""
    first, _, rest = text.partition(b"\n")
    if not rest or (first.startswith(b"[") and not _is_document(first)):
        return False
    return any(map(_is_document, text.splitlines()))


def _is_document(line: bytes) -> bool:
    """Whether a line that is not indented is one whole object or list."""
    if not line.startswith((b"{", b"[")):
        return False
    return not isinstance(_line(line), Unreadable)


def _line(line: bytes) -> object:
    try:
        return decode(line)
    except UnreadableError as error:
        return Unreadable(
            str(error).replace("the body", "the line", 1), line.decode(errors="replace")[:_KEPT_OF_A_LINE]
        )
