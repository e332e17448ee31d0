"""Prometheus' text format, as Prometheus reads it."""

import re

from hypothesis import given
from hypothesis import strategies as st

from connector.web.exposition import Family, MetricSample, histogram, text

_LINE = re.compile(r'^(\w+)(?:\{(\w+)="((?:[^"\\\n]|\\["\\n])*)"\})? (\S+)$')
_MEANT = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


def test_a_family_has_its_help_its_type_and_its_samples() -> None:
    family = Family("connector_due", "gauge", "Who\nwaits.", [MetricSample({"sync": "main"}, 3), MetricSample({}, 0.5)])
    assert text([family]) == (
        "# HELP connector_due Who\\nwaits.\n"
        "# TYPE connector_due gauge\n"
        'connector_due{sync="main"} 3\n'
        "connector_due 0.5\n"
    )


def test_a_family_without_samples_is_left_out() -> None:
    assert text([Family("connector_due", "gauge", "Who waits.", [])]) == ""


@given(
    st.text(
        st.characters(exclude_categories=("Cs",)).filter(
            lambda each: each not in "\r\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e"
        )
    )
)
def test_a_label_comes_back_as_it_was(value: str) -> None:
    *_, line, end = text([Family("a", "gauge", "", [MetricSample({"name": value}, 1)])]).split("\n")
    found = _LINE.match(line)
    assert found is not None
    assert end == ""
    assert re.sub(r'\\[\\"n]', lambda each: _MEANT[each[0]], found[3]) == value


@given(st.dictionaries(st.floats(0.001, 1000), st.integers(0, 10**9), min_size=1), st.integers(0, 10**9))
def test_buckets_of_a_histogram_add_up(counts: dict[float, int], longer: int) -> None:
    *buckets, total_seconds, total = histogram({"sync": "main"}, counts, longer, 7.5)
    values = [each.value for each in buckets]
    assert values == sorted(values)
    assert buckets[-1].labels["le"] == "+Inf"
    assert buckets[-1].value == total.value == sum(counts.values()) + longer
    assert (total_seconds.suffix, total_seconds.value, total.suffix) == ("_sum", 7.5, "_count")
