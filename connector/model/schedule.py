"""The schedule of what is done again and again: a crontab line, or every so many seconds. Times are UTC."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

_SHORT = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DAYS_AHEAD = 8 * 366 + 1
"""The longest time between two days that a crontab line can mean: a 29th of February, over a year like 2100."""


class _CronField(NamedTuple):
    """One of the five fields: its name, the numbers it takes, and names for these, from the first on."""

    name: str
    first: int
    last: int
    names: Sequence[str] = ()


_FIELDS = (
    _CronField("minute", 0, 59),
    _CronField("hour", 0, 23),
    _CronField("day of the month", 1, 31),
    _CronField("month", 1, 12, _MONTHS),
    _CronField("day of the week", 0, 7, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Every:
    """A schedule with a fixed number of seconds between two times."""

    seconds: float

    def after(self, at: float) -> float:
        """Returns the next time after `at`, both in unix seconds."""
        return at + self.seconds


@dataclass(frozen=True, slots=True)
class Crontab:
    """The times that a crontab line means, in UTC.

    either_day: both days were restricted, and one of them is enough, as cron has it.
    """

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def after(self, at: float) -> float:
        """Returns the next time after `at`, both in unix seconds. `parsed` has refused lines that have none."""
        start = datetime.fromtimestamp(at, UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        return next(each for each in self._times(start) if each >= start).timestamp()

    def _times(self, start: datetime) -> Iterator[datetime]:
        for day in self._dates(start.date()):
            for hour in self.hours:
                for minute in self.minutes:
                    yield datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)

    def _dates(self, start: date) -> Iterator[date]:
        days = (start + timedelta(days=number) for number in range(_DAYS_AHEAD))
        return (day for day in days if self._means(day))

    def _means(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (of_month or of_week) if self.either_day else (of_month and of_week)


Schedule = Every | Crontab


def parsed(text: str) -> Crontab:
    """Returns the schedule of a crontab line: five fields with numbers, names, `*`, lists, ranges and steps.

    Raises ValueError, with a sentence, for a line that is none or that names no day.
    """
    given = _SHORT.get(text.strip().lower(), text).lower().split()
    if len(given) != len(_FIELDS):
        raise ValueError(f"{len(given)} fields are not five: minute, hour, day of the month, month, day of the week")
    minutes, hours, days, months, weekdays = (_numbers(one, field) for one, field in zip(given, _FIELDS, strict=True))
    either_day = not given[2].startswith("*") and not given[4].startswith("*")
    crontab = Crontab(
        tuple(sorted(minutes)), tuple(sorted(hours)), days, months, frozenset(day % 7 for day in weekdays), either_day
    )
    if next(crontab._dates(date(2000, 1, 1)), None) is None:  # noqa: SLF001 - the class is of this module
        raise ValueError("there is no such day")
    return crontab


def _numbers(text: str, field: _CronField) -> frozenset[int]:
    return frozenset(number for part in text.split(",") for number in _part(part, field))


def _part(text: str, field: _CronField) -> range:
    span, slash, step_text = text.partition("/")
    step = _number(step_text, field) if slash else 1
    first_text, dash, last_text = span.partition("-")
    if span == "*":
        first, last = field.first, field.last
    else:
        first = _number(first_text, field)
        last = _number(last_text, field) if dash else (field.last if slash else first)
    if step < 1 or not field.first <= first <= last <= field.last:
        raise ValueError(f"{text!r} is no {field.name}: it goes from {field.first} to {field.last}")
    return range(first, last + 1, step)


def _number(text: str, field: _CronField) -> int:
    if text in field.names:
        return field.first + field.names.index(text)
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is no {field.name}")
    return int(text)
