"""The moments that bound a list are in UTC, unless they say otherwise themselves."""

import pytest

from connector.console import periods
from connector.console.page import Visit
from connector.console.visitor import LOOPBACK


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("2026-01-31T14:00", 1_769_868_000.0), ("2026-01-31T14:00Z", 1_769_868_000.0),
     ("2026-01-31T14:00+02:00", 1_769_860_800.0)],
)  # fmt: skip
def test_a_moment_is_in_utc_unless_it_says_where(given: str, seconds: float) -> None:
    found = periods.wanted(Visit(LOOPBACK, query={"from": given}), lambda: 0.0)
    assert found == periods.Period(seconds, None)
