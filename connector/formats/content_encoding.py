"""Compressed bodies, unpacked piece by piece within a bound: a few kilobytes may stand for gigabytes."""

import sys
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from importlib import import_module
from typing import Any

import brotli

from connector.errors import UnreadableError

# Python has it from 3.14 on; until then a package brings the same.
zstd: Any = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

_PIECE_BYTES = 65_536
_FED_BYTES = 16_384
"""The bytes that are fed at a time: what is left over is copied, each time that one member or frame has ended."""
_MOST_PARTS = 10_000
"""The most members of gzip, or frames of zstd, behind one another: an empty one costs time, and no bytes."""
_MOST_LAYERS = 2
MOST_TIMES = 250
"""The most times as large as its bytes that a body above `FREE_BYTES` may be. JSON shrinks to a tenth."""
FREE_BYTES = 1_000_000
_ZSTD_WINDOW_LOG = 23  # 8 MB, as RFC 8878 asks of HTTP
_GZIP, _ZLIB, _RAW = 31, 15, -15

Pieces = Iterator[bytes]


class UnknownEncodingError(UnreadableError):
    """The body is compressed in a way that is not known here."""


class TooLargeError(UnreadableError):
    """The body is larger than allowed once it is unpacked."""


def unpack(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Returns the body as it was before it was compressed.

    Args:
        body: As it came.
        encoding: What Content-Encoding says: gzip, deflate, br, zstd, identity, or two of them in their order; "" is
            none.
        max_bytes: The most bytes that it may have unpacked.

    Raises:
        UnknownEncodingError: It is compressed in another way.
        TooLargeError: It has more bytes, or more than `MOST_TIMES` as many as came.
        UnreadableError: It is not compressed as it says.
    """
    names = [name for each in encoding.split(",") if (name := each.strip().lower())]
    for name in reversed(names):
        if name not in _UNPACKERS or len(names) > _MOST_LAYERS:
            raise UnknownEncodingError(f"the body's encoding is not one of {', '.join(_UNPACKERS)}")
        body = _unpacked(body, name, max_bytes)
    return body


def _unpacked(body: bytes, name: str, max_bytes: int) -> bytes:
    unpacked = bytearray()
    try:
        for piece in _UNPACKERS[name](body):
            unpacked += piece
            _check(len(unpacked), len(body), max_bytes)
    except (zlib.error, brotli.error, zstd.ZstdError, EOFError) as error:
        raise UnreadableError(f"the body is not {name}: {error}") from error
    return bytes(unpacked)


def _check(size: int, packed: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise TooLargeError(f"the body is larger than {max_bytes} bytes once it is unpacked: send it in parts")
    check_ratio(size, packed, "the body")


def check_ratio(size: int, packed: int, what: str) -> None:
    """Raises TooLargeError where `what` came as `packed` bytes and has far too many once it is unpacked."""
    if size > FREE_BYTES and size > packed * MOST_TIMES:
        raise TooLargeError(f"{what} is more than {MOST_TIMES} times as large once it is unpacked: send it in parts")


def _as_it_is(body: bytes) -> Pieces:
    yield body


def _gzip(body: bytes) -> Pieces:
    """Unpacks one member after the other, since gzip may have several."""
    return _one_after_the_other(body, lambda at: _inflated(body, at, _GZIP))


def _one_after_the_other(body: bytes, unpacked_from: Callable[[int], Generator[bytes, None, int]]) -> Pieces:
    at = parts = 0
    while at < len(body):
        parts += 1
        if parts > _MOST_PARTS:
            raise TooLargeError(f"the body is packed in more than {_MOST_PARTS:,} pieces: pack it as one")
        at = yield from unpacked_from(at)


def _deflate(body: bytes) -> Pieces:
    """Unpacks with zlib's header, as HTTP has it, or without, as some clients send it."""
    if body:
        headed = body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
        yield from _inflated(body, 0, _ZLIB if headed else _RAW)


def _inflated(body: bytes, at: int, form: int) -> Generator[bytes, None, int]:
    """Yields the pieces of the stream that begins at a place; returns where it ends."""
    stream = zlib.decompressobj(form)
    while not stream.eof:
        fed = body[at : at + _FED_BYTES]
        piece = stream.decompress(fed, _PIECE_BYTES)
        at += len(fed) - len(stream.unconsumed_tail) - len(stream.unused_data)
        if not piece and not fed and not stream.eof:
            raise EOFError("it is cut off")
        yield piece
    return at


def _brotli(body: bytes) -> Pieces:
    stream = brotli.Decompressor()
    while not stream.is_finished():
        piece = stream.process(body, output_buffer_limit=_PIECE_BYTES)
        if not piece and not body and not stream.is_finished():
            raise EOFError("it is cut off")
        body = b""
        yield piece


def _zstd(body: bytes) -> Pieces:
    """Unpacks one frame after the other."""
    return _one_after_the_other(body, lambda at: _frame(body, at))


def _frame(body: bytes, at: int) -> Generator[bytes, None, int]:
    """Yields the pieces of the frame that begins at a place; returns where it ends."""
    stream = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})
    while not stream.eof:
        fed = body[at : at + _FED_BYTES] if stream.needs_input else b""
        if stream.needs_input and not fed:
            raise EOFError("it is cut off")
        yield stream.decompress(fed, _PIECE_BYTES)
        at += len(fed)
    return at - len(stream.unused_data)


_UNPACKERS: Mapping[str, Callable[[bytes], Pieces]] = {
    "identity": _as_it_is,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
