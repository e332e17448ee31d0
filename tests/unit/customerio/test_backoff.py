"""How fast a connection is used, and how it comes back."""

from hypothesis import given
from hypothesis import strategies as st

from connector.customerio import backoff


def test_without_failures_nothing_is_slowed() -> None:
    assert backoff.people(1000, 0) == 1000
    assert backoff.seconds_apart(100.0, 0) == 0.01


def test_each_failure_halves_the_claim_and_doubles_the_wait() -> None:
    assert [backoff.people(1000, failures) for failures in range(8)] == [1000, 500, 250, 125, 62, 31, 15, 15]
    assert [backoff.seconds_apart(1.0, failures) for failures in range(8)] == [1, 2, 4, 8, 16, 32, 64, 64]


@given(st.integers(1, 5000), st.integers(0, 10_000))
def test_somebody_is_always_claimed(most: int, failures: int) -> None:
    assert 1 <= backoff.people(most, failures) <= most


@given(st.integers(0, 10_000))
def test_some_successes_in_a_row_bring_it_back_to_full_speed(failures: int) -> None:
    for _ in range(7):
        failures = backoff.after_success(failures)
    assert failures == 0
