"""Unpacks gzip files as a stream, within the same bound on the unpacked size as every other input."""

import gzip
import zlib
from io import BufferedReader, RawIOBase

from connector.errors import UnreadableError
from connector.formats.content_encoding import check_ratio

_MAGIC = b"\x1f\x8b"
_PIECE_BYTES = 65_536


def plain(raw: BufferedReader) -> BufferedReader:
    """Returns the content of a file: unpacked where it is gzip, else as it is.

    Reading gzip raises UnreadableError where the file is not whole, or far larger unpacked than packed.
    """
    return BufferedReader(_Unzipped(raw), _PIECE_BYTES) if raw.peek(2)[:2] == _MAGIC else raw


class _Packed:
    """The bytes of the file, counted: standard input tells no position."""

    def __init__(self, raw: BufferedReader) -> None:
        self._raw = raw
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        """Returns the next bytes, and counts them."""
        piece = self._raw.read(size)
        self.count += len(piece)
        return piece


class _Unzipped(RawIOBase):
    """What gzip packed, looked at piece by piece."""

    def __init__(self, raw: BufferedReader) -> None:
        self._packed = _Packed(raw)
        self._content = gzip.GzipFile(fileobj=self._packed)  # type: ignore[call-overload]  # it only reads
        self._count = 0

    def readable(self) -> bool:
        """Returns True: this stream can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed knows a wider type
        """Fills the buffer with what comes next; 0 at the end."""
        try:
            piece: bytes = self._content.read1(len(buffer))
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise UnreadableError(f"the file is not whole: {error}") from error
        self._count += len(piece)
        check_ratio(self._count, self._packed.count, "the file")
        buffer[: len(piece)] = piece
        return len(piece)
