"""Lists are taken apart into the texts of their items, wherever the pieces of the file end."""

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.bulk import json_list
from connector.errors import UnreadableError

TEXT = st.text(st.sampled_from('ab"\\[]{},: \n\u00e9\u2028'), max_size=8)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT)
VALUES = st.recursive(
    LEAVES, lambda each: st.lists(each, max_size=4) | st.dictionaries(TEXT, each, max_size=4), max_leaves=30
)


def items(content: bytes, piece: int = 65_536, max_bytes: int = 10_000) -> list[bytes]:
    """The items of a file that gives so many bytes at a time."""
    file = BytesIO(content)
    return list(json_list.items(lambda size: file.read(min(size, piece)), max_bytes))


@given(
    lists=st.lists(st.lists(VALUES, max_size=5), max_size=3),
    piece=st.sampled_from([1, 2, 3, 7, 64, 65_536]),
    indent=st.sampled_from([None, 1]),
    plain=st.booleans(),
)
def test_items_are_what_a_reader_of_the_whole_finds(
    lists: list[Any], piece: int, indent: int | None, plain: bool
) -> None:
    content = "\n".join(json.dumps(each, indent=indent, ensure_ascii=plain) for each in lists).encode()
    assert [json.loads(each) for each in items(content, piece)] == [each for one in lists for each in one]


@given(content=st.text(st.sampled_from('a"\\[]{},1 \n'), max_size=40), piece=st.sampled_from([1, 3, 64]))
def test_whatever_it_is_the_pieces_do_not_matter(content: str, piece: int) -> None:
    def told(size: int) -> list[bytes] | str:
        try:
            return items(content.encode(), size)
        except UnreadableError as error:
            return str(error)

    assert told(piece) == told(65_536)


@pytest.mark.parametrize("content", [b"[1, 2", b'[1, "a', b"[1] x", b"[1], [2]", b"[1]]", b'[1] "a"'])
def test_what_is_not_a_list_to_its_end_says_so(content: bytes) -> None:
    with pytest.raises(UnreadableError, match="the list in the file is not JSON"):
        items(content)


def test_a_long_item_comes_cut() -> None:
    assert items(b'["' + b"x" * 1000 + b'", 2]', 64, 100) == [b'"' + b"x" * 100, b" 2"]


def test_an_empty_place_is_an_item() -> None:
    assert items(b"[1,,2,]") == [b"1", b"", b"2", b""]
    assert items(b"[ ]") == []
