"""The latest word on each name, whatever the order in which the words come."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model.versioned import VersionedMap
from tests.build import thorough


class Word(NamedTuple):
    version: int
    whole: bool
    values: dict[str, Any]


VALUES = st.dictionaries(st.sampled_from("abcd"), st.none() | st.integers(0, 9), max_size=4)
STORIES = st.lists(st.tuples(st.booleans(), VALUES), min_size=1, max_size=7).map(
    lambda told: [Word(version, whole, values) for version, (whole, values) in enumerate(told, 1)]
)


def heard(words: Iterable[Word], register: VersionedMap | None = None) -> VersionedMap:
    register = register or VersionedMap()
    for word in words:
        move = register.replaced if word.whole else register.updated
        register = move(word.values, word.version)
    return register


def spelled_out(words: Sequence[Word]) -> dict[str, Any]:
    """What a plain dictionary holds after the words by version."""
    held: dict[str, Any] = {}
    for word in words:
        held = dict(word.values) if word.whole else held | word.values
    return held


@thorough
@given(STORIES, st.data())
def test_any_order_and_repetition_ends_as_the_order_of_versions(story: list[Word], data: st.DataObject) -> None:
    repeated = data.draw(st.lists(st.sampled_from(story), max_size=5))
    told = data.draw(st.permutations([*story, *repeated]))
    assert heard(told) == heard(story)


@thorough
@given(STORIES)
def test_in_order_it_is_a_plain_dictionary(story: list[Word]) -> None:
    assert dict(heard(story).values) == spelled_out(story)


@thorough
@given(STORIES, st.data())
def test_a_word_heard_again_changes_nothing(story: list[Word], data: st.DataObject) -> None:
    register = heard(story)
    assert heard([data.draw(st.sampled_from(story))], register) == register


@thorough
@given(STORIES)
def test_newest_is_the_newest_word_that_wrote(story: list[Word]) -> None:
    wrote = [word.version for word in story if word.whole or word.values]
    assert heard(story).newest() == max(wrote, default=None)


@thorough
@given(STORIES)
def test_snapshots_only_need_no_version_for_each_entry(story: list[Word]) -> None:
    assert heard(word._replace(whole=True) for word in story).versions == {}


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ([Word(1, True, {"a": 1}), Word(2, False, {"b": 2})], {"a": 1, "b": 2}),
        ([Word(2, False, {"b": 2}), Word(1, True, {"a": 1})], {"a": 1, "b": 2}),
        ([Word(2, True, {"a": 1}), Word(1, False, {"b": 2})], {"a": 1}),
        ([Word(2, False, {"a": None}), Word(1, True, {"a": 1})], {"a": None}),
        ([Word(2, True, {}), Word(1, True, {"a": 1})], {}),
        ([Word(1, False, {"a": 1}), Word(1, False, {"a": 2})], {"a": 2}),
        ([Word(1, True, {"a": 1}), Word(1, True, {"a": 2})], {"a": 2}),
    ],
    ids=[
        "partial on top",
        "late snapshot",
        "late partial",
        "null is a word",
        "late whole",
        "same version",
        "same whole",
    ],
)
def test_words(words: list[Word], values: dict[str, Any]) -> None:
    assert heard(words).values == values


def test_an_empty_register_was_never_written() -> None:
    assert VersionedMap().newest() is None


def test_an_older_word_leaves_the_register_itself() -> None:
    register = heard([Word(2, True, {"a": 1})])
    assert register.replaced({"a": 2}, 1) is register
    assert register.updated({"a": 2}, 1) is register
