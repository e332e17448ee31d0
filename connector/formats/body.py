"""From the bytes of a body to JSON values: one value, or one value a line (NDJSON)."""

import json
from collections.abc import Iterator

from pydantic_core import PydanticSerializationError, from_json, to_json

from connector.model.change import Unreadable
from connector.errors import UnreadableError

_KEPT_OF_A_LINE = 10_000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decode(body: bytes | str) -> object:
    """The JSON value of a body. NaN and Infinity are not JSON; half of a surrogate pair becomes U+FFFD."""
    try:
        value: object = from_json(body.encode() if isinstance(body, str) else body, allow_inf_nan=False)
    except ValueError as error:
        if "surrogate" not in str(error) and "hex escape" not in str(error):
            raise UnreadableError(f"the body is not JSON: {error}") from error
        return _with_halves_replaced(body)
    return value


def whole_characters(value: object) -> object:
    """A decoded value without halves of surrogate pairs, which no encoding can carry: U+FFFD stands for them."""
    try:
        to_json(value)
    except PydanticSerializationError:
        text = json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass").decode(errors="replace")
        return decode(text)
    return value


def _with_halves_replaced(body: bytes | str) -> object:
    # The stdlib's reader takes such halves, and nothing else that the fast one refuses but NaN and its like.
    try:
        return whole_characters(json.loads(body, parse_constant=_refuse))
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"the body is not JSON: {error}") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


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
