"""AMQP frames and the messages in them, however the bytes are cut."""

from struct import pack

import pytest
from amqp.exceptions import UnexpectedFrame
from hypothesis import given
from hypothesis import strategies as some

from connector.broker import frames
from connector.broker.frames import Assembler

DELIVER, HEADER, BODY = 1, 2, 3


def frame(kind: int, payload: bytes, channel: int = 1) -> bytes:
    return pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def delivered(tag: int, body: bytes, piece: int = 1000, properties: bytes = b"\0\0") -> bytes:
    method = b"\x00\x3c\x00\x3c" + b"\x03tag" + pack(">QB", tag, 1) + b"\0\x05queue"
    pieces = [body[at : at + piece] for at in range(0, len(body), piece)]
    return b"".join(
        (
            frame(DELIVER, method),
            frame(HEADER, pack(">HHQ", 60, 0, len(body)) + properties),
            *(frame(BODY, each) for each in pieces),
        )
    )


@given(some.lists(some.binary(max_size=50), max_size=10), some.lists(some.integers(1, 40)), some.integers(1, 20))
def test_messages_are_whole_however_the_bytes_come(bodies: list[bytes], cuts: list[int], piece: int) -> None:
    sent = b"".join(delivered(tag, body, piece) for tag, body in enumerate(bodies, 1))
    buffer, assembler = bytearray(), Assembler()
    while sent:
        size = cuts.pop() if cuts else len(sent)
        buffer += sent[:size]
        sent = sent[size:]
        for each in frames.split(buffer):
            assert assembler.take(each)

    assert [(each.tag, each.body) for each in assembler.delivered] == list(enumerate(bodies, 1))
    assert all(each.redelivered for each in assembler.delivered)
    assert not buffer


def test_what_is_no_message_is_left_to_others() -> None:
    assembler = Assembler()
    assert not assembler.take((1, 1, b"\x00\x3c\x00\x15"))
    assert not assembler.take((8, 0, b""))


def test_what_was_not_asked_for_yet_stays_in_the_buffer() -> None:
    buffer = bytearray(frame(8, b"", 0) + frame(8, b"", 0) + b"\x08")
    assert frames.first(buffer) == (8, 0, b"")
    assert next(frames.split(buffer)) == (8, 0, b"")
    assert frames.first(bytearray(b"\x08")) is None


def test_a_frame_without_its_end_is_an_error() -> None:
    with pytest.raises(UnexpectedFrame):
        frames.first(bytearray(pack(">BHI", 8, 0, 0) + b"\0"))
