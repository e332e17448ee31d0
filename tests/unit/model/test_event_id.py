"""The same event has the same ULID, and no other has it."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import event_id
from connector.model.change import Event
from tests.build import OCTOBER, event, thorough

IDS = st.none() | st.text(max_size=20)
TIMES = st.none() | st.integers(-(10**12), 10**15)
PROPERTIES = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=3)
EVENTS = st.builds(
    Event,
    id=IDS,
    name=st.text(max_size=20),
    kind=st.sampled_from(["event", "page", "screen"]),
    occurred_at=TIMES,
    properties=PROPERTIES,
)
VALID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")


@thorough
@given(EVENTS, st.text(max_size=10), IDS, st.integers(0, 1000))
def test_a_ulid_has_26_crockford_characters_and_is_stable(
    one: Event, key: str, message_id: str | None, index: int
) -> None:
    made = event_id.of_event(one, key, message_id, index)
    assert VALID.fullmatch(made)
    assert made == event_id.of_event(replace(one), key, message_id, index)


@thorough
@given(st.lists(st.text(max_size=30), unique=True, min_size=2, max_size=30))
def test_events_of_different_ids_have_different_ulids(ids: list[str]) -> None:
    assert len({event_id.of_event(event(id=each), "u-1", None, 0) for each in ids}) == len(ids)


def test_many_are_all_distinct() -> None:
    assert len({event_id.of_event(event(id=f"e-{n}"), "u-1", None, 0) for n in range(20_000)}) == 20_000


@thorough
@given(st.integers(0, 2**48 // 1000), st.integers(0, 2**48 // 1000))
def test_ulids_sort_by_time(one: int, other: int) -> None:
    early, late = sorted((one, other))
    if early < late:
        assert event_id.of_event(event(occurred_at=early), "u", None, 0) < event_id.of_event(
            event(occurred_at=late), "u", None, 0
        )


@pytest.mark.parametrize(
    ("milliseconds", "head"),
    [(0, "0000000000"), (1, "0000000001"), (1_469_918_176_385, "01ARYZ6S41"), (2**48 - 1, "7ZZZZZZZZZ"), (2**60, "7Z")],
)
def test_the_head_is_the_time(milliseconds: int, head: str) -> None:
    assert event_id.encode(milliseconds, bytes(10)).startswith(head)


@pytest.mark.parametrize(
    ("digest", "tail"), [(bytes(10), "0" * 16), (bytes([255] * 12), "Z" * 16), (bytes([0] * 9 + [33]), "0" * 14 + "11")]
)
def test_the_tail_is_the_digest(digest: bytes, tail: str) -> None:
    assert event_id.encode(OCTOBER * 1000, digest).endswith(tail)


ONE = event(id=None, properties={"plan": "pro"})


@pytest.mark.parametrize(
    ("other", "key", "message_id", "index", "same"),
    [
        (ONE, "u-1", "m-1", 0, True),
        (ONE, "u-1", "m-1", 1, False),
        (ONE, "u-1", "m-2", 0, False),
        (ONE, "u-2", "m-1", 0, False),
        (replace(ONE, name="Left"), "u-1", "m-1", 0, False),
        (replace(ONE, kind="page"), "u-1", "m-1", 0, False),
        (replace(ONE, properties={}), "u-1", "m-1", 0, False),
        (replace(ONE, occurred_at=OCTOBER + 1), "u-1", "m-1", 0, False),
    ],
)
def test_without_an_id_content_message_and_place_decide(
    other: Event, key: str, message_id: str, index: int, same: bool
) -> None:
    assert (event_id.of_event(other, key, message_id, index) == event_id.of_event(ONE, "u-1", "m-1", 0)) is same


def test_without_an_id_and_without_a_message_id_equal_events_are_one() -> None:
    assert event_id.of_event(ONE, "u-1", None, 0) == event_id.of_event(ONE, "u-1", None, 5)


@pytest.mark.parametrize("changed", [{"name": "Other"}, {"properties": {"a": 1}}, {"anonymous_id": "a-1"}])
def test_with_an_id_the_rest_does_not_matter(changed: dict[str, Any]) -> None:
    one = event(id="e-1")
    assert event_id.of_event(one, "u-1", "m-1", 0) == event_id.of_event(replace(one, **changed), "u-1", "m-2", 3)


def test_the_same_id_of_another_user_is_another_event() -> None:
    assert event_id.of_event(event(), "u-1", None, 0) != event_id.of_event(event(), "u-2", None, 0)
