"""Decodes the properties of an AMQP message and never fails: what cannot be read is left out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from struct import Struct, error, unpack_from
from typing import Any

_DEEPEST = 8
_SHORT, _LONG, _LONGLONG = Struct(">H"), Struct(">I"), Struct(">Q")
# In the order of their flags, from the highest: short strings, but for the table of headers, two octets and a time.
_NAMES = (
    "content_type", "content_encoding", "headers", "delivery_mode", "priority", "correlation_id", "reply_to",
    "expiration", "message_id", "timestamp", "type", "user_id", "app_id", "cluster_id",
)  # fmt: skip
_OCTETS = frozenset({"delivery_mode", "priority"})
_UNREADABLE = (error, IndexError, UnicodeDecodeError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Properties:
    """The properties of a message that matter here. `whole` is False if some of them could not be read."""

    content_type: str = ""
    content_encoding: str = ""
    headers: Mapping[str, Any] = field(default_factory=dict)
    message_id: str = ""
    whole: bool = True

    @property
    def deliveries(self) -> int:
        """The number of earlier deliveries of the message, as a quorum queue counts."""
        count = self.headers.get("x-delivery-count", 0)
        return count if isinstance(count, int) else 0


_NONE = Properties()


def decode(encoded: bytes) -> Properties:
    """Decodes the properties behind the body's size in a header frame. Times stay the numbers they are."""
    if encoded in {b"", b"\0\0"}:
        return _NONE
    found: dict[str, Any] = {}
    try:
        _read(encoded, found)
    except _UNREADABLE:
        return Properties(**_known(found), whole=False)
    return Properties(**_known(found))


def _known(found: Mapping[str, Any]) -> dict[str, Any]:
    names = ("content_type", "content_encoding", "headers", "message_id")
    return {name: found[name] for name in names if name in found}


def _read(encoded: bytes, found: dict[str, Any]) -> None:
    (flags,) = _SHORT.unpack_from(encoded)
    at = 2
    for place, name in enumerate(_NAMES):
        if not flags & (1 << (15 - place)):
            continue
        if name == "headers":
            found[name], at = _table(encoded, at, _DEEPEST)
        elif name in _OCTETS:
            at += 1
        elif name == "timestamp":
            at += _LONGLONG.size
        else:
            found[name], at = _short_string(encoded, at)


def _short_string(encoded: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + encoded[at]
    return encoded[at + 1 : end].decode(errors="replace"), end


def _long_string(encoded: bytes, at: int) -> tuple[bytes, int]:
    (size,) = _LONG.unpack_from(encoded, at)
    end = at + 4 + size
    if end > len(encoded):
        raise ValueError("a string ends behind the frame")
    return encoded[at + 4 : end], end


def _table(encoded: bytes, at: int, depth: int) -> tuple[dict[str, Any], int]:
    body, end = _long_string(encoded, at)
    table: dict[str, Any] = {}
    place = 0
    while place < len(body):
        name, place = _short_string(body, place)
        table[name], place = _value(body, place, depth)
    return table, end


def _list(encoded: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    body, end = _long_string(encoded, at)
    values = []
    place = 0
    while place < len(body):
        value, place = _value(body, place, depth)
        values.append(value)
    return values, end


_NUMBERS = {
    ord(kind): Struct(form)
    for kind, form in {
        "b": ">b", "B": ">B", "U": ">h", "s": ">h", "u": ">H", "I": ">i", "i": ">I", "L": ">q", "l": ">q", "f": ">f",
        "d": ">d", "T": ">Q", "t": ">?",
    }.items()
}  # fmt: skip


def _text(encoded: bytes, at: int, _: int) -> tuple[str, int]:
    text, end = _long_string(encoded, at)
    return text.decode(errors="replace"), end


def _decimal(encoded: bytes, at: int, _: int) -> tuple[float, int]:
    places, digits = unpack_from(">Bi", encoded, at)
    return digits / 10**places, at + 5


_READERS: Mapping[int, Callable[[bytes, int, int], tuple[Any, int]]] = {
    ord("S"): _text,
    ord("x"): _text,
    ord("D"): _decimal,
    ord("F"): _table,
    ord("A"): _list,
}


def _value(encoded: bytes, at: int, depth: int) -> tuple[Any, int]:
    kind = encoded[at]
    at += 1
    if kind == ord("V"):
        return None, at
    if kind in _NUMBERS:
        number = _NUMBERS[kind]
        return number.unpack_from(encoded, at)[0], at + number.size
    if kind not in _READERS or depth == 0:
        raise ValueError("a value of no known type, or too deep")
    return _READERS[kind](encoded, at, depth - 1)
