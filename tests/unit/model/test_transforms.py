"""What each step makes of a value, and what it cannot take."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import transforms
from connector.model.transforms import DEFAULT, NAMES, TransformFault
from tests.build import thorough

NEW_YEAR = 1_577_836_800
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
STEP = st.sampled_from(NAMES).map(transforms.step) | st.builds(
    transforms.step, st.sampled_from([DEFAULT, "join"]), st.text(max_size=5)
)


def made(value: Any, *names: str) -> Any:
    return transforms.apply(value, [transforms.step(name) for name in names])


MADE = [
    ("lower", "ABC Ä", "abc ä"),
    ("lower", "", ""),
    ("upper", "abc ä", "ABC Ä"),
    ("upper", "ß", "SS"),
    ("trim", "  a b \n", "a b"),
    ("trim", "  ", ""),
    ("number", "12", 12),
    ("number", " -12 ", -12),
    ("number", "+3", 3),
    ("number", "007", 7),
    ("number", "12.5", 12.5),
    ("number", ".5", 0.5),
    ("number", "5.", 5.0),
    ("number", "2e3", 2000.0),
    ("number", "9" * 30, 10**30 - 1),
    ("number", 12, 12),
    ("number", 1.5, 1.5),
    ("boolean", True, True),
    ("boolean", False, False),
    ("boolean", "true", True),
    ("boolean", "Yes", True),
    ("boolean", " 1 ", True),
    ("boolean", "FALSE", False),
    ("boolean", "no", False),
    ("boolean", "0", False),
    ("boolean", "", False),
    ("boolean", 1, True),
    ("boolean", 0, False),
    ("boolean", 1.0, True),
    ("date", "2020-01-01", NEW_YEAR),
    ("date", "2020-01-01T00:00:00Z", NEW_YEAR),
    ("date", " 2020-01-01 10:00:00 UTC ", NEW_YEAR + 36_000),
    ("date", "2020-01-01T01:00:00+01:00", NEW_YEAR),
    ("date", NEW_YEAR * 1000, NEW_YEAR),
    ("date", NEW_YEAR, NEW_YEAR),
    ("text", "a", "a"),
    ("text", 12, "12"),
    ("text", 12.5, "12.5"),
    ("text", 5.0, "5"),
    ("text", 1e300, "1e+300"),
    ("text", True, "true"),
    ("text", False, "false"),
    ("join", ["a", "b"], "a, b"),
    ("join", ["a", 1, True, 2.5], "a, 1, true, 2.5"),
    ("join", ["a", None, "b"], "a, b"),
    ("join", [], ""),
    ("join", "a", "a"),
    ("join", 5, "5"),
]


@pytest.mark.parametrize(("name", "value", "result"), MADE)
def test_a_step_makes_what_it_says(name: str, value: Any, result: Any) -> None:
    found = made(value, name)
    assert (found, type(found)) == (result, type(result))


CANNOT = [
    *((name, value) for name in ("lower", "upper", "trim") for value in (5, 1.5, True, ["a"], {"a": "b"})),
    *(("number", value) for value in ("", "twelve", "1,000", "1_000", "1 000", "0x1f", "12 €", "nan", "inf", "1e999")),
    *(("number", value) for value in ("9" * 1001, "९", True, [1], {})),
    *(("boolean", value) for value in ("maybe", "on", 2, -1, 0.5, float("nan"), [], {})),
    *(("date", value) for value in ("soon", "", "1577836800", "2020-02-30", "20200101", -5, True, [], float("nan"))),
    *(("text", value) for value in ([], ["a"], {}, float("nan"), float("inf"), 10**2000)),
    *(("join", value) for value in ([["a"]], [{}], {"a": "b"}, ["a", float("inf")])),
]


@pytest.mark.parametrize(("name", "value"), CANNOT, ids=lambda value: str(value)[:20])
def test_a_step_never_guesses(name: str, value: Any) -> None:
    found = made(value, name)
    assert isinstance(found, TransformFault)
    assert f'"{name}"' in found.reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (5, 'is a number that the step "lower" cannot take (it takes text)'),
        (True, 'is true or false that the step "lower" cannot take (it takes text)'),
        (["secret"], 'is a list that the step "lower" cannot take (it takes text)'),
        ({"secret": 1}, 'is a table that the step "lower" cannot take (it takes text)'),
    ],
)
def test_a_fault_names_step_and_kind_and_not_the_value(value: Any, reason: str) -> None:
    assert made(value, "lower") == TransformFault(reason)


@pytest.mark.parametrize("name", NAMES)
def test_null_passes_every_step_but_the_default(name: str) -> None:
    assert made(None, name) is None


@pytest.mark.parametrize(
    ("value", "result"), [(None, "none"), ("", "none"), (" ", " "), (0, 0), (False, False), ([], [])]
)
def test_the_default_stands_in_for_null_and_empty_text_alone(value: Any, result: Any) -> None:
    assert transforms.apply(value, [transforms.step(DEFAULT, "none")]) == result


@pytest.mark.parametrize("default", ["", 0, 1.5, False])
def test_a_default_is_of_any_kind(default: Any) -> None:
    assert transforms.apply(None, [transforms.step(DEFAULT, default)]) is default


@pytest.mark.parametrize(("separator", "result"), [("; ", "a; b"), ("", "ab"), (None, "a, b")])
def test_what_joins_can_be_chosen(separator: str | None, result: str) -> None:
    assert transforms.apply(["a", "b"], [transforms.step("join", separator)]) == result


@pytest.mark.parametrize(
    ("value", "names", "result"),
    [
        (" PRO ", ("trim", "lower"), "pro"),
        ("1577836800000", ("number", "date"), NEW_YEAR),
        (["B", "A"], ("join", "lower"), "b, a"),
        (5, ("text", "upper"), "5"),
        ("5", (), "5"),
    ],
)
def test_steps_work_in_their_order(value: Any, names: tuple[str, ...], result: Any) -> None:
    assert made(value, *names) == result


def test_the_first_step_that_cannot_ends_it() -> None:
    found = made("five", "number", "boolean")
    assert isinstance(found, TransformFault)
    assert '"number"' in found.reason


@thorough
@given(JSON, st.lists(STEP, max_size=4))
def test_no_value_brings_an_exception_whatever_the_steps(value: Any, steps: list[transforms.TransformStep]) -> None:
    found = transforms.apply(value, steps)
    assert isinstance(found, TransformFault | str | int | float | list | dict | None)


@thorough
@given(st.text(), st.sampled_from(["lower", "upper", "trim"]))
def test_doing_it_twice_is_doing_it_once(value: str, name: str) -> None:
    assert made(value, name, name) == made(value, name)


@thorough
@given(st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_as_text_is_read_back(value: float) -> None:
    assert made(value, "text", "number") == value
