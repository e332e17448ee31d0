"""What passes the bounds is read back as it was, by every reader; what does not is said with its reason."""

import json
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from connector.model import bounds
from tests.build import thorough

TEXTS = st.text(max_size=8) | st.text(st.characters(codec=None, categories=["Cs", "Cc", "L"]), max_size=4)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=12
)


def nested(depth: int, innermost: Any = 1) -> Any:
    for level in range(depth):
        innermost = [innermost] if level % 2 else {"a": innermost}
    return innermost


@thorough
@given(VALUES, st.integers(0, 60))
def test_what_is_within_the_bounds_comes_back_equal_from_every_reader(value: Any, depth: int) -> None:
    value = nested(depth, value)
    if bounds.fault(value) is None:
        wrapped = [[[[value, {"batch": [{"attributes": {"plan": value}}]}]]]]
        text = to_json(wrapped)
        assert rb"\u0000" not in text
        assert from_json(text, allow_inf_nan=False) == json.loads(text) == wrapped


@thorough
@given(VALUES)
def test_anything_is_shown_and_cut_without_an_error(value: Any) -> None:
    from_json(bounds.readable(value))
    bounds.readable(bounds.bounded(value))


@thorough
@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_of_an_object_only_what_is_at_fault_is_left_out(values: dict[str, Any]) -> None:
    fitting, faults = bounds.fitting(values)
    assert fitting.keys() | faults.keys() == values.keys()
    assert not fitting.keys() & faults.keys()
    assert bounds.fault(fitting) is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("a\0", bounds.NUL),
        ("\ud800", bounds.HALF),
        (nan, bounds.NOT_FINITE),
        ([1, {"a": -inf}], bounds.NOT_FINITE),
        (2**64, bounds.LONG),
        ([-(2**63) - 1], bounds.LONG),
        ({"a\0": 1}, bounds.NUL),
        (nested(bounds.DEPTH + 1), bounds.DEEP),
        (nested(198), bounds.DEEP),
        (nested(5000), bounds.DEEP),
        (bounds.marked(bounds.TWICE), bounds.TWICE),
    ],
)
def test_why(value: Any, why: str) -> None:
    assert bounds.fault(value) == why
    bounds.readable(value)
    assert bounds.fault(bounds.bounded([value])) == why


def test_a_mark_in_a_text_of_upstreams_is_refused_like_any_other_half_of_a_character() -> None:
    assert bounds.fault(bounds.marked("whatever")) == bounds.HALF


@pytest.mark.parametrize("value", [None, True, "", "äß😀", 2**64 - 1, -(2**63), 1e300, nested(bounds.DEPTH), "NaN"])
def test_what_fits(value: Any) -> None:
    assert bounds.fault(value) is None
