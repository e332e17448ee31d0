"""How the segments of a person are told to Customer.io: as one list, or as an attribute for each."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.audience.apply_change import merge
from connector.audience.desired import person
from connector.audience.segment_attributes import SegmentsAs
from connector.model.entity import Facts
from connector.model.problem import Problem
from tests.build import OCTOBER, PAYING, STAFF, TRIAL, moved, rules, sent_of, snapshot, thorough

BYTES = 1000
A_DAY = 86_400
AT = OCTOBER * 1_000_000
"""A version that is a time."""


def listed_as(names: Sequence[str], *, lower: bool = True) -> tuple[list[str], tuple[Problem, ...]]:
    """The list of these segments, and what is left out of it."""
    under = SegmentsAs("hull_segment", lower=lower)
    return under.attributes(names, Facts())["hull_segment"], under.problems(names, "u-1")


def value_bytes(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    ("names", "listed"),
    [
        ([], []),
        (["Paying"], ["paying"]),
        (["Trial", "Paying"], ["paying", "trial"]),
        (["Paying", "PAYING", "paying"], ["paying"]),
        (["Ökologie", "Alpha"], ["alpha", "ökologie"]),
    ],
)
def test_segments_are_listed_lower_unique_and_sorted(names: list[str], listed: list[str]) -> None:
    assert listed_as(names) == (listed, ())


def test_a_list_too_long_is_cut_and_said() -> None:
    names = [f"segment {n:03} of many" for n in range(100)]
    listed, problems = listed_as(names)
    assert listed == sorted(names)[: len(listed)]
    assert BYTES - len('"segment 000 of many",') < value_bytes(listed) <= BYTES
    assert problems[0].payload == sorted(names)[len(listed) :]
    assert f"{100 - len(listed)} of 100" in problems[0].reason


NAMES = st.builds(
    lambda text, number: text * number,
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=6),
    st.integers(1, 20),
)


@thorough
@given(st.lists(NAMES, max_size=40))
def test_the_list_fits_and_says_what_it_leaves_out(names: list[str]) -> None:
    listed, problems = listed_as(names)
    wanted = sorted({name.lower() for name in names})
    assert value_bytes(listed) <= BYTES
    assert listed == wanted[: len(listed)]
    assert bool(problems) == (len(listed) < len(wanted))


@pytest.mark.parametrize(
    "names",
    [["😀" * 61, "😁" * 62, "😂" * 62, "😃" * 62], ["\x01" * 249]],
    ids=["1001 bytes", "control characters"],
)
def test_the_list_fits_to_the_byte(names: list[str]) -> None:
    listed, _ = listed_as(names)
    assert len(json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode()) <= BYTES


@pytest.mark.parametrize(
    ("case", "sent"), [("lower", ["paying", "trial"]), ("keep", ["Paying", "Trial"])], ids=["lower", "keep"]
)
def test_names_are_sent_in_the_case_of_the_settings(case: str, sent: list[str]) -> None:
    under = rules(segments=["*"], attributes=[], segment_case=case)
    assert sent_of([snapshot(1, TRIAL, PAYING)], under) == {"hull_segment": sent}


@pytest.mark.parametrize(
    ("name", "case", "attribute"),
    [
        ("Paying", "lower", "hull_segment_paying"),
        ("Paying customers (EU)", "lower", "hull_segment_paying_customers_eu"),
        ("Paying customers", "keep", "hull_segment_Paying_customers"),
        ("Ökologie", "lower", "hull_segment_ökologie"),
    ],
)
def test_each_segment_has_an_attribute_that_liquid_can_name(name: str, case: str, attribute: str) -> None:
    under = rules(segment_shape="booleans", segment_case=case).segments_as
    assert under.attributes([name], Facts()) == {attribute: True}


def test_an_attribute_is_true_while_the_person_is_in_the_segment() -> None:
    under = rules(segments=["*"], attributes=[], segment_shape="booleans")
    told = [snapshot(1, PAYING, TRIAL), moved(2, STAFF, left=[TRIAL])]
    assert sent_of(told, under) == {"hull_segment_paying": True, "hull_segment_staff": True}


def test_an_attribute_holds_the_time_of_entry_by_the_change_that_brought_it() -> None:
    under = rules(segments=["*"], attributes=[], segment_shape="times")
    told = [
        snapshot(AT, PAYING, TRIAL),
        snapshot(AT + A_DAY * 1_000_000, PAYING, STAFF),
        snapshot(AT + 2 * A_DAY * 1_000_000, PAYING, STAFF),
    ]
    assert sent_of(told, under) == {"hull_segment_paying": OCTOBER, "hull_segment_staff": OCTOBER + A_DAY}


def test_who_comes_back_into_a_segment_has_the_later_time() -> None:
    under = rules(segments=["*"], attributes=[], segment_shape="times")
    told = [snapshot(AT, PAYING), snapshot(AT + 1_000_000), snapshot(AT + 2_000_000, PAYING)]
    assert sent_of(told, under) == {"hull_segment_paying": OCTOBER + 2}


def test_where_versions_are_no_times_the_time_of_entry_is_that_of_arrival() -> None:
    under = rules(segments=["*"], attributes=[], segment_shape="times")
    facts = Facts()
    for version, now in ((1, OCTOBER), (2, OCTOBER + 60)):
        facts = merge(facts, snapshot(version, PAYING), under, now=now + 0.5).facts
    assert person(facts, under).attributes == {"hull_segment_paying": OCTOBER}


@pytest.mark.parametrize("shape", ["booleans", "times"])
def test_who_is_kept_keeps_the_segments_they_had(shape: str) -> None:
    under = rules(attributes=[], segment_shape=shape, on_exit="keep")
    value = True if shape == "booleans" else OCTOBER
    told = [snapshot(AT, PAYING, STAFF), snapshot(AT + 1_000_000, STAFF), snapshot(AT + 2_000_000)]
    assert sent_of(told, under) == {"hull_segment_paying": value, "hull_segment_staff": value}


def test_who_was_deleted_and_comes_back_enters_anew() -> None:
    under = rules(segments=["*"], attributes=[], segment_shape="times")
    deleted = replace(snapshot(AT + 1_000_000), deleted=True)
    told = [snapshot(AT, PAYING), deleted, snapshot(AT + 2_000_000, PAYING)]
    assert sent_of(told, under) == {"hull_segment_paying": OCTOBER + 2}


def test_a_name_too_long_for_an_attribute_is_left_out_and_said() -> None:
    under = SegmentsAs("hull_segment", "booleans")
    assert under.attributes(["x" * 200, "Paying"], Facts()) == {"hull_segment_paying": True}
    (problem,) = under.problems(["x" * 200, "Paying"], "u-1")
    assert "exceeds 150 bytes: it is left out" in problem.reason


def test_segments_for_which_a_person_has_no_room_are_left_out_and_said() -> None:
    names = [f"s{number:03}" for number in range(310)]
    under = rules(attributes=["plan", "city"], segment_shape="booleans").segments_as
    sent = under.attributes(names, Facts())
    assert len(sent) == 297
    (problem,) = under.problems(names, "u-1")
    assert problem.reason.startswith("13 segments are left out")
    assert set(problem.payload).isdisjoint(sent)


@thorough
@given(st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=60), max_size=30))
def test_attributes_of_segments_are_known_as_such_and_fit(names: list[str]) -> None:
    under = rules(segment_shape="booleans")
    sent = under.segments_as.attributes(names, Facts())
    assert all(under.maps(name) and len(name.encode()) <= 150 for name in sent)


@pytest.mark.parametrize("shape", ["list", "booleans", "times"])
def test_without_a_name_nothing_is_sent_of_segments(shape: str) -> None:
    under = rules(segments=["*"], attributes=[], segment_attribute="", segment_shape=shape)
    assert sent_of([snapshot(AT, PAYING)], under) == {}
