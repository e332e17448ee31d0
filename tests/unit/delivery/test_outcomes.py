"""How long it took, in buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.customerio.request_log import Call
from connector.delivery import outcomes


@pytest.mark.parametrize(
    ("seconds", "name"),
    [(0.0, "<= 0.1 s"), (0.1, "<= 0.1 s"), (0.11, "<= 0.25 s"), (59.0, "<= 60 s"), (3600.0, "<= 3600 s"),
     (3600.1, "longer")],
)  # fmt: skip
def test_a_duration_has_one_bucket(seconds: float, name: str) -> None:
    assert outcomes.bucket(seconds) == name


@given(st.lists(st.tuples(st.sampled_from(["settled", "paused"]), st.integers(0, 10**7))))
def test_every_request_is_in_one_bucket_and_under_one_verdict(made: list[tuple[str, int]]) -> None:
    calls = [Call(1.0, "main", "main", "batch", 1, 1, 200, took, verdict) for verdict, took in made]
    found = outcomes.of_requests(calls)
    names = [f"<= {end:g} s" for end in outcomes.LATENCIES] + [outcomes.LONGER]
    assert sum(found[name] for name in names) == len(made) == found["settled"] + found["paused"]
    assert found["milliseconds"] == sum(took for _, took in made)
