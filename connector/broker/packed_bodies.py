"""Turns a message's body into plain UTF-8: unpacked within bounds, from any encoding that is known."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from connector.broker.properties import Properties
from connector.errors import UnreadableError
from connector.formats import content_encoding

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_LZMA_BYTES = 64_000_000
_PLAIN = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii", "binary", "identity"})
_ENCODINGS = frozenset(
    {"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8-sig", "latin-1", "iso-8859-1",
     "iso-8859-15", "cp1252", "windows-1252"}
)  # fmt: skip


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def plain(properties: Properties, body: bytes, most: int) -> bytes:
    """Returns the body unpacked and as UTF-8.

    Args:
        properties: the properties of the message. `compression` among the headers is kombu's name of the packing;
            `content_encoding` means a character set to kombu, and a packing to others.
        body: the body as it was sent.
        most: how many bytes the unpacked body may have.

    Raises:
        UnreadableError: the packing or the encoding is not known, or the body is too large.
    """
    packing = properties.headers.get("compression")
    if packing:
        body = _unpacked(str(packing), body, most)
    encoding = properties.content_encoding.lower()
    if encoding in _PLAIN:
        return body
    if _named(encoding) in _UNPACK:
        return _unpacked(encoding, body, most)
    return _as_utf8(body, encoding)


def _unpacked(name: str, body: bytes, most: int) -> bytes:
    unpack = _UNPACK.get(_named(name))
    if unpack is None:
        raise UnreadableError(f"the body is packed as {name[:100]!r}, which is not one of {', '.join(_UNPACK)}")
    try:
        found = unpack(body, most + 1)
    except content_encoding.TooLargeError:
        raise _too_large(most) from None
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, UnreadableError) as error:
        raise UnreadableError(f"the body says that it is packed as {name[:100]!r}, and is not: {error}") from error
    if len(found) > most:
        raise _too_large(most)
    return found


def _too_large(most: int) -> UnreadableError:
    return UnreadableError(f"unpacked, the message is larger than [intake] max_message_bytes, {most} bytes")


def _named(name: str) -> str:
    """Returns the name of a packing: kombu calls gzip application/x-gzip, HTTP calls it x-gzip, others gzip."""
    bare = name.lower().removeprefix("application/").removeprefix("x-")
    return _OTHER_NAMES.get(bare, bare)


_OTHER_NAMES = {
    "bz2": "bzip2", "bzip": "bzip2", "zlib": "deflate", "gz": "gzip", "zst": "zstd", "zstandard": "zstd", "xz": "lzma",
    "br": "brotli",
}  # fmt: skip


def _whole(unpacker: _Unpacker, body: bytes, most: int) -> bytes:
    """Unpacks a body, up to a number of bytes: more need not be known of a body that is too large."""
    found = unpacker.decompress(body, most)
    if not unpacker.eof and len(found) < most:
        raise EOFError("it is cut off")
    return found


def _gzip_or_zlib(body: bytes, most: int) -> bytes:
    """Unpacks either form: kombu calls gzip what is zlib's form."""
    unpacker: Any = zlib.decompressobj(_GZIP_OR_ZLIB)
    return _whole(unpacker, body, most)


def _deflate(body: bytes, most: int) -> bytes:
    try:
        return _gzip_or_zlib(body, most)
    except zlib.error:
        unpacker: Any = zlib.decompressobj(-zlib.MAX_WBITS)
        return _whole(unpacker, body, most)


def _bzip2(body: bytes, most: int) -> bytes:
    return _whole(bz2.BZ2Decompressor(), body, most)


def _lzma(body: bytes, most: int) -> bytes:
    return _whole(lzma.LZMADecompressor(memlimit=_LZMA_BYTES), body, most)


def _brotli(body: bytes, most: int) -> bytes:
    return content_encoding.unpack(body, "br", most)


def _zstd(body: bytes, most: int) -> bytes:
    return content_encoding.unpack(body, "zstd", most)


_UNPACK: Mapping[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip_or_zlib,
    "deflate": _deflate,
    "bzip2": _bzip2,
    "lzma": _lzma,
    "brotli": _brotli,
    "zstd": _zstd,
}


def _as_utf8(body: bytes, encoding: str) -> bytes:
    """Decodes by the encodings known here. Python knows a hundred, some of which are very slow for a large body."""
    if encoding.replace("_", "-") not in _ENCODINGS:
        raise UnreadableError(f"the content encoding {encoding[:100]!r} is not known")
    try:
        return body.decode(encoding).encode()
    except UnicodeError as error:
        raise UnreadableError(f"the body is not in the content encoding {encoding}, as it says") from error
