"""AMQP frames in a buffer, and the messages they carry. Nothing here knows a socket.

py-amqp reads each frame with three small reads and decodes the properties of each message as it comes: both cost more
than everything else that a message needs before it is taken in, and a property that py-amqp cannot decode (a time
stamp in milliseconds) breaks the connection. So messages are put together here, their properties left as they came.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from amqp.exceptions import UnexpectedFrame

Frame = tuple[int, int, bytes]
"""Its type, its channel, its payload."""

METHOD, HEADER, BODY = 1, 2, 3
_HEAD = Struct(">BHI")
_FRAME_END = 0xCE
_BESIDE_PAYLOAD = _HEAD.size + 1
_DELIVER = b"\x00\x3c\x00\x3c"  # class basic, method deliver
_DELIVERY_TAG = Struct(">QB")
_BODY_SIZE = Struct(">Q")
_BODY_SIZE_AT, _PROPERTIES_AT = 4, 12


def split(buffer: bytearray) -> Iterator[Frame]:
    """Yields the whole frames at the beginning of a buffer, and takes each off once the next is asked for."""
    at = 0
    try:
        while (frame := _frame(buffer, at)) is not None:
            at += _BESIDE_PAYLOAD + len(frame[2])
            yield frame
    finally:
        del buffer[:at]


def first(buffer: bytearray) -> Frame | None:
    """Takes the first whole frame off the buffer. Returns None if there is none yet."""
    frame = _frame(buffer, 0)
    if frame is not None:
        del buffer[: _BESIDE_PAYLOAD + len(frame[2])]
    return frame


def begins_whole(buffer: bytearray) -> bool:
    """Says whether the buffer begins with a whole frame."""
    if len(buffer) < _BESIDE_PAYLOAD:
        return False
    _, _, size = _HEAD.unpack_from(buffer)
    return len(buffer) >= _BESIDE_PAYLOAD + int(size)


def _frame(buffer: bytearray, at: int) -> Frame | None:
    if len(buffer) - at < _BESIDE_PAYLOAD:
        return None
    kind, channel, size = _HEAD.unpack_from(buffer, at)
    begin = at + _HEAD.size
    end = begin + size
    if len(buffer) <= end:
        return None
    if buffer[end] != _FRAME_END:
        raise UnexpectedFrame(f"a frame ends with {buffer[end]:#04x}, not with {_FRAME_END:#04x}")
    return kind, channel, bytes(buffer[begin:end])


@dataclass(slots=True)
class Delivery:
    """A message as the broker delivered it: its tag on its channel, its properties still encoded, its body."""

    tag: int
    redelivered: bool
    properties: bytes = b""
    body: bytes = b""


class Assembler:
    """Puts the messages of one consuming channel together."""

    def __init__(self) -> None:
        """Expects the beginning of a message."""
        self.delivered: list[Delivery] = []
        self._current: Delivery | None = None
        self._parts: list[bytes] = []
        self._missing = 0

    def take(self, frame: Frame) -> bool:
        """Takes a frame if it belongs to a message, and adds a message that is whole to `delivered`.

        Returns whether the frame belongs to a message.
        """
        kind, _, payload = frame
        if kind == METHOD and payload.startswith(_DELIVER):
            self._current = _begun(payload)
        elif kind == HEADER and self._current is not None:
            self._current.properties = payload[_PROPERTIES_AT:]
            (self._missing,) = _BODY_SIZE.unpack_from(payload, _BODY_SIZE_AT)
            self._end_where_whole()
        elif kind == BODY and self._current is not None:
            self._parts.append(payload)
            self._missing -= len(payload)
            self._end_where_whole()
        else:
            return False
        return True

    def _end_where_whole(self) -> None:
        if self._missing > 0 or self._current is None:
            return
        self._current.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self.delivered.append(self._current)
        self._current, self._parts = None, []


def _begun(payload: bytes) -> Delivery:
    tag_at = len(_DELIVER) + 1 + payload[len(_DELIVER)]  # behind the consumer's tag, a short string
    tag, redelivered = _DELIVERY_TAG.unpack_from(payload, tag_at)
    return Delivery(tag, bool(redelivered))
