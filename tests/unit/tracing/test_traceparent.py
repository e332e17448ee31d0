"""What upstream may bring as its place in a trace, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.tracing import traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("given", "means"),
    [
        (GOOD, GOOD),
        (GOOD.encode(), GOOD),
        (f"  {GOOD} ", GOOD),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-03", GOOD),  # a flag that this version does not know
        (f"00-{TRACE}-{SPAN}-02", f"00-{TRACE}-{SPAN}-00"),
        (f"cc-{TRACE}-{SPAN}-01", GOOD),  # a version to come
        (f"cc-{TRACE}-{SPAN}-01-what-else-it-may-say", GOOD),
    ],
)
def test_what_upstream_brings_is_taken_over_in_the_form_of_this_version(given: object, means: str) -> None:
    assert traceparent.accepted(given) == means


@pytest.mark.parametrize(
    "given",
    [
        "",
        None,
        7,
        [GOOD],
        {"traceparent": GOOD},
        GOOD.upper(),
        GOOD[:-1],
        GOOD + "0",
        GOOD + "-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-zz",
        f"00-{TRACE[:-1]}é-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n00-{TRACE}-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01-" + "x" * 1000,
        b"\xff" * 55,
    ],
    ids=repr,
)
def test_what_is_no_traceparent_is_none(given: object) -> None:
    assert traceparent.accepted(given) == traceparent.NONE


@given(st.text() | st.binary() | st.none() | st.integers())
def test_whatever_comes_is_taken_for_a_traceparent_or_for_none(given: object) -> None:
    found = traceparent.accepted(given)
    assert found == traceparent.NONE or traceparent.accepted(found) == found


def test_its_parts_are_those_that_it_was_made_of() -> None:
    assert traceparent.parts(GOOD) == (int(TRACE, 16), int(SPAN, 16), True)
    assert traceparent.made(TRACE, SPAN, sampled=False) == f"00-{TRACE}-{SPAN}-00"


@pytest.mark.parametrize(
    ("headers", "means"),
    [
        ({}, traceparent.NONE),
        ({"traceparent": GOOD}, GOOD),
        ({"task": "tasks.changes.apply", "traceparent": GOOD}, GOOD),
        ({"task": "tasks.changes.apply", "headers": {"traceparent": GOOD}}, GOOD),
        ({"headers": None}, traceparent.NONE),
        ({"traceparent": {"no": "text"}}, traceparent.NONE),
    ],
)
def test_a_message_of_amqp_or_celery_brings_it_as_a_header(headers: dict[str, object], means: str) -> None:
    assert traceparent.of_headers(headers) == means
