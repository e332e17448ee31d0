"""JSON lists taken apart into the texts of their items, as a stream: none is decoded here.

So an item that no reader takes (a number of too many digits, one nested without end, a broken one) is one item, and its
neighbours come whole.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from connector.errors import UnreadableError

_PIECE_BYTES = 65_536
_COMMON_DEPTH = 6
_TEXT = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'


def _nested(depth: int) -> bytes:
    """What may stand in brackets that are not nested deeper."""
    inner = rb"|[\[{]" + _nested(depth - 1) + rb"[\]}]" if depth else b""
    return rb'(?:[^"\[\]{}]++|' + _TEXT + inner + rb")*+"


_ITEM = re.compile(
    rb'((?:[^",\[\]{}]++|' + _TEXT + rb"|[\[{]" + _nested(_COMMON_DEPTH) + rb"[\]}])*+)([,\]])", re.DOTALL
)
"""A whole item of common depth, and what ends it: one look in place of one for each bracket and text."""
_TOKEN = re.compile(_TEXT + rb'|["\[\]{},]', re.DOTALL)
"""What counts between texts: a whole text, the beginning of one, brackets, commas."""
_INSIDE = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_OPENING, _CLOSING = b"[{", b"]}"


def items(read: Callable[[int], bytes], max_bytes: int) -> Iterator[bytes]:
    """Yields the items of a list, or of several lists one after the other.

    Args:
        read: Returns the next bytes, at most so many; none at the end.
        max_bytes: A longer item is cut after one byte more than this, so that its reader sees that it is too long.

    Raises:
        UnreadableError: There is something else than lists, or the last one does not end.
    """
    splitter = _Splitter(max_bytes)
    while piece := read(_PIECE_BYTES):
        yield from splitter.feed(piece)
    splitter.end()


@dataclass(slots=True)
class _Splitter:
    """The state of the splitter after the bytes so far: the depth, whether it is within a text, and the item so far."""

    max_bytes: int
    depth: int = 0
    in_text: bool = False
    after_comma: bool = False
    item: bytearray = field(default_factory=bytearray)
    rest: bytes = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yields the items that end in the next piece."""
        data = self.rest + piece
        place = self._text_end(data, 0) if self.in_text else 0
        kept = 0
        while not self.in_text and (token := self._next(data, place, kept)):
            place = token.end()
            if token[0] == b'"':
                self.in_text = True
                place = self._text_end(data, place)
            elif (ended := self._moved(data[token.end() - 1 : token.end()])) is not None:
                self._keep(data[kept : place - 1])
                kept = place
                yield from self._ended(ended)
        place = place if self.in_text else len(data)
        self._keep(data[kept:place])
        self.rest = data[place:]

    def end(self) -> None:
        """Raises UnreadableError where the last list has not ended."""
        if self.depth or self.in_text:
            raise UnreadableError("the list in the file is not JSON: it does not end")
        self._check_between(bytes(self.item))

    def _next(self, data: bytes, place: int, kept: int) -> re.Match[bytes] | None:
        """Returns the next token that counts: a whole item where one begins here and is of common depth."""
        if self.depth == 1 and place == kept and not self.item and (whole := _ITEM.match(data, place)):
            return whole
        token = _TOKEN.search(data, place)
        if token is not None and self.depth == 0 and token[0] != b"[":
            self._check_between(token[0])
        return token

    def _moved(self, sign: bytes) -> bytes | None:
        """Follows a sign: itself where it begins a list or ends an item, None for all others."""
        if sign in _OPENING:
            self.depth += 1
            return sign if self.depth == 1 else None
        if sign in _CLOSING:
            self.depth -= 1
            return sign if self.depth == 0 else None
        return sign if sign == b"," and self.depth == 1 else None

    def _ended(self, sign: bytes) -> Iterator[bytes]:
        """Yields the item before the sign, if there is one. Raises UnreadableError for text between two lists."""
        before = bytes(self.item)
        self.item.clear()
        if sign == b"[":
            self._check_between(before)
        elif sign == b"," or self.after_comma or before.strip():
            yield before
        self.after_comma = sign == b","

    def _text_end(self, data: bytes, place: int) -> int:
        """Returns the place after the end of the text, or of the piece; half an escape is left for the next piece."""
        end = _INSIDE.match(data, place).end()  # type: ignore[union-attr]  # it may be empty, so it always matches
        if data[end : end + 1] == b'"':
            self.in_text = False
            return end + 1
        return end

    def _keep(self, part: bytes) -> None:
        self.item += part[: max(self.max_bytes + 1 - len(self.item), 0)]

    def _check_between(self, part: bytes) -> None:
        if part.strip():
            raise UnreadableError("the list in the file is not JSON: something else stands behind its end")
