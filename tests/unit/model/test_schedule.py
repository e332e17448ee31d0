"""When a source is due: what a crontab line means, in UTC."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.model.schedule import Every, parsed


def at(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


@pytest.mark.parametrize(
    ("line", "after", "next_one"),
    [
        ("* * * * *", "2026-01-31T10:00:00", "2026-01-31T10:01:00"),
        ("*/15 * * * *", "2026-01-31T10:01:30", "2026-01-31T10:15:00"),
        ("5/20 * * * *", "2026-01-31T10:26", "2026-01-31T10:45"),
        ("0 3 * * *", "2026-01-31T03:00", "2026-02-01T03:00"),
        ("0 3 * * *", "2026-01-31T02:59:59", "2026-01-31T03:00"),
        ("30 8-17/3 * * mon-fri", "2026-01-30T17:30", "2026-02-02T08:30"),
        ("0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00"),
        ("0 0 13 * 5", "2026-02-01T00:00", "2026-02-06T00:00"),
        ("0 0 */2 * 5", "2026-02-01T00:00", "2026-02-13T00:00"),
        ("0 0 * * 7", "2026-01-31T00:00", "2026-02-01T00:00"),
        ("0 12 1,15 jan,JUL *", "2026-01-15T12:00", "2026-07-01T12:00"),
        ("@hourly", "2026-12-31T23:00:01", "2027-01-01T00:00"),
        ("@daily", "2026-12-31T23:00:01", "2027-01-01T00:00"),
        ("@weekly", "2026-01-31T00:00", "2026-02-01T00:00"),
        ("@monthly", "2026-01-31T00:00", "2026-02-01T00:00"),
    ],
)
def test_the_next_time_of_a_crontab_line(line: str, after: str, next_one: str) -> None:
    assert parsed(line).after(at(after)) == at(next_one)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "0 fields are not five"),
        ("0 3 * *", "4 fields are not five"),
        ("60 * * * *", "'60' is no minute: it goes from 0 to 59"),
        ("* 24 * * *", "is no hour"),
        ("* * 0 * *", "is no day of the month: it goes from 1 to 31"),
        ("* * * foo *", "'foo' is no month"),
        ("* * * * fri-mon", "is no day of the week"),
        ("*/0 * * * *", "is no minute"),
        ("1-- * * * *", "is no minute"),
        ("² * * * *", "is no minute"),
        ("0 0 31 2 *", "there is no such day"),
    ],
)
def test_a_line_that_means_no_time_is_refused(line: str, says: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parsed(line)
    assert says in str(caught.value)


def test_every_so_many_seconds() -> None:
    assert Every(90).after(1000.5) == 1090.5


@given(st.integers(0, 4_000_000_000), st.sampled_from(["* * * * *", "*/7 3,9 * * *", "0 0 1 * *", "1 2 3 4 5"]))
def test_the_next_time_is_later_and_none_is_passed_over(now: int, line: str) -> None:
    crontab = parsed(line)
    following = crontab.after(now)
    assert following > now
    assert following % 60 == 0
    assert crontab.after(following - 1) == following
    assert crontab.after((now + following) / 2) == following
