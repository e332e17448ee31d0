"""Times are recognised by value and never guessed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model import times
from tests.build import thorough

NEW_YEAR = 1_577_836_800  # 2020-01-01T00:00:00Z
TIMES = st.datetimes(timezones=st.just(UTC)).filter(lambda time: 1970 < time.year < 9999)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2020-01-01", NEW_YEAR),
        ("2020-01-01T00:00:00Z", NEW_YEAR),
        ("2020-01-01t00:00:00z", NEW_YEAR),
        ("2020-01-01T00:00Z", NEW_YEAR),
        ("2020-01-01 00:00:00", NEW_YEAR),
        ("2020-01-01 00:00:00 UTC", NEW_YEAR),
        ("2020-01-01 00:00:00 GMT", NEW_YEAR),
        ("2020-01-01T02:00:00+02:00", NEW_YEAR),
        ("2020-01-01T02:00:00+0200", NEW_YEAR),
        ("2020-01-01T02:00:00+02", NEW_YEAR),
        ("2020-01-01 02:00:00 +0200", NEW_YEAR),
        ("2019-12-31 16:00:00.000 -0800", NEW_YEAR),
        ("2019-12-31T16:00 -08:00", NEW_YEAR),
        ("2019-12-31T19:30:00-04:30", NEW_YEAR),
        ("2020-01-01T00:00:00.9Z", NEW_YEAR),
        ("2020-01-01T00:00:00,987Z", NEW_YEAR),
        ("2020-01-01T00:00:00.987654321Z", NEW_YEAR),
        ("1969-12-31T23:59:50Z", -10),
        (NEW_YEAR, NEW_YEAR),
        (float(NEW_YEAR), NEW_YEAR),
        (NEW_YEAR * 1000, NEW_YEAR),
        (NEW_YEAR * 1000 + 999, NEW_YEAR),
        (NEW_YEAR * 10**6, NEW_YEAR),
        (0, 0),
        (10**11 - 1, 10**11 - 1),
        (10**11, 10**8),
        (10**14, 10**8),
    ],
)
def test_what_is_a_time(value: Any, seconds: int) -> None:
    assert times.seconds(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "12",
        "20200101",
        "1577836800",
        "soon",
        "",
        "2020-01",
        "2020-13-01",
        "2020-02-30",
        "2020-01-01T25:00:00Z",
        "2020-01-01T10:00:60Z",
        "2020-01-01T10",
        "2020-01-01 +0200",
        "2020-01-01T00:00:00  +0200",
        "2020-01-01T00: 00:00",
        "2020-01-01T00:00:00+99:00",
        "2020-01-01\n",
        " 2020-01-01",
        "2020-01-01 or so",
        "2020-W01-1",
        "\u0662\u0660\u0662\u0660-01-01",
        True,
        False,
        None,
        {},
        [],
        ["2020-01-01"],
        -1,
        float("nan"),
        float("inf"),
        10**17,
        10**400,
    ],
    ids=str,
)
def test_what_is_no_time(value: Any) -> None:
    assert times.seconds(value) is None


@thorough
@given(TIMES)
def test_iso_text_and_back(time: datetime) -> None:
    assert times.parse(time.isoformat()) == time
    assert times.seconds(time.isoformat()) == int(time.timestamp())


@thorough
@given(st.integers(0, 10**11 - 1))
def test_seconds_are_never_read_as_milliseconds(seconds: int) -> None:
    assert times.seconds(seconds) == seconds


@thorough
@given(st.text(max_size=40))
def test_no_text_is_too_strange(text: str) -> None:
    parsed = times.parse(text)
    assert parsed is None or text.startswith(f"{parsed.year:04}")


@pytest.mark.parametrize(
    ("value", "version"),
    [
        (7, 7),
        (-7, -7),
        (7.0, 7),
        (2**63 - 1, 2**63 - 1),
        ("2020-01-01T00:00:00.000001Z", NEW_YEAR * 10**6 + 1),
        ("2020-01-01 00:00:00 UTC", NEW_YEAR * 10**6),
        (2**63, None),
        (7.5, None),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
        ("7", None),
        ("soon", None),
        (None, None),
        ([7], None),
    ],
)
def test_a_version_is_a_counter_or_a_time(value: Any, version: int | None) -> None:
    assert times.version(value) == version


@thorough
@given(TIMES, TIMES)
def test_later_times_are_greater_versions(one: datetime, other: datetime) -> None:
    versions = [times.version(each.isoformat()) for each in (one, other)]
    assert (one < other) == (versions[0] < versions[1])  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20200101", NEW_YEAR),
        ("1577836800", NEW_YEAR),
        ("1577836800000", NEW_YEAR * 1000),
        ("2014", None),
        ("201405", None),
        ("20201301", None),
        ("00000000", None),
        ("1234567", None),
        ("20200101000000", None),
    ],
)
def test_digits_alone_are_a_date_or_a_unix_time_and_never_a_day_of_1970(text: str, seconds: int | None) -> None:
    assert times.digits(text) == seconds
