"""Compressed bodies: read as they were, within bounds, and refused in words where they are not what they say."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from random import Random

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import UnreadableError
from connector.formats.content_encoding import FREE_BYTES, TooLargeError, UnknownEncodingError, unpack

MOST = 5_000_000


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def brotli_packed(body: bytes) -> bytes:
    """Its best quality takes seconds, and is not what is tested."""
    return brotli.compress(body, quality=5)


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "none": ("", bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "gzip of two members": ("gzip", lambda body: gzip.compress(body[:7]) + gzip.compress(body[7:])),
    "deflate": ("deflate", zlib.compress),
    "deflate without a header": ("deflate", raw_deflate),
    "br": ("br", brotli_packed),
    "zstd": ("zstd", zstd.compress),
    "zstd of two frames": ("zstd", lambda body: zstd.compress(body[:7]) + zstd.compress(body[7:])),
    "gzip within br": ("gzip, br", lambda body: brotli_packed(gzip.compress(body))),
}
COMPRESSED = sorted(set(PACKERS) - {"none", "identity"})


@pytest.mark.parametrize("how", PACKERS)
@given(body=st.binary(max_size=2000))
def test_a_body_comes_out_as_it_went_in(how: str, body: bytes) -> None:
    encoding, pack = PACKERS[how]
    assert unpack(pack(body), encoding, MOST) == body


@pytest.mark.parametrize("how", PACKERS)
def test_a_large_body_comes_out_as_it_went_in(how: str) -> None:
    encoding, pack = PACKERS[how]
    body = b"".join(b'{"userId": "u%d", "type": "identify"}\n' % n for n in range(50_000))
    assert unpack(pack(body), encoding, MOST) == body


@pytest.mark.parametrize("how", COMPRESSED)
def test_a_bomb_is_refused_before_it_fills_the_memory(how: str) -> None:
    encoding, pack = PACKERS[how]
    bomb = pack(b" " * 40_000_000)
    tracemalloc.start()
    with pytest.raises(TooLargeError, match=r"send it in parts$"):
        unpack(bomb, encoding, MOST)
    assert tracemalloc.get_traced_memory()[1] < 4 * MOST
    tracemalloc.stop()


@pytest.mark.parametrize("how", COMPRESSED)
def test_what_is_many_times_as_large_is_refused_within_the_size_allowed(how: str) -> None:
    encoding, pack = PACKERS[how]
    with pytest.raises(TooLargeError, match="250 times as large"):
        unpack(pack(b" " * (FREE_BYTES + 3_000_000)), encoding, MOST)


@pytest.mark.parametrize("how", COMPRESSED)
@pytest.mark.parametrize("body", [b'{"userId": "u1"}', b"\0" * 100, b"\xff" * 9])
def test_what_is_not_packed_as_it_says_is_refused_in_words(how: str, body: bytes) -> None:
    encoding, _ = PACKERS[how]
    with pytest.raises(UnreadableError, match=r"^the body is not "):
        unpack(body, encoding, MOST)


@pytest.mark.parametrize("how", COMPRESSED)
def test_what_is_cut_off_is_refused(how: str) -> None:
    encoding, pack = PACKERS[how]
    with pytest.raises(UnreadableError):
        unpack(pack(b"whole" * 100)[:-3], encoding, MOST)


@pytest.mark.parametrize("encoding", ["compress", "lzma", "gzip, gzip, gzip", "\0"])
def test_what_is_packed_in_another_way_is_refused_with_the_ways_that_are_known(encoding: str) -> None:
    with pytest.raises(UnknownEncodingError, match=r"identity, gzip, x-gzip, deflate, br, zstd$"):
        unpack(b"", encoding, MOST)


@pytest.mark.parametrize("how", ["gzip", "zstd"])
def test_what_is_packed_in_a_great_many_pieces_is_refused(how: str) -> None:
    """An empty one costs no bytes, and so much time that a body of them would hold up a thread for minutes."""
    encoding, pack = PACKERS[how]
    assert unpack(pack(b"part") * 9_000, encoding, MOST) == b"part" * 9_000
    with pytest.raises(TooLargeError, match="pack it as one"):
        unpack(pack(b"") * 100_000, encoding, MOST)


@pytest.mark.parametrize("how", COMPRESSED)
def test_what_hardly_shrinks_comes_out_as_it_went_in(how: str) -> None:
    encoding, pack = PACKERS[how]
    body = Random(7).randbytes(500_000)
    assert unpack(pack(body), encoding, MOST) == body
