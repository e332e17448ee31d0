"""Times as Customer.io wants them: unix seconds, recognised by value, never guessed.

A number of seconds stays a number of seconds. Milliseconds are recognised by their size (from 10**11, which as
seconds would be the year 5138). A string is a time only when it is a full ISO 8601 date or date-time, Hull's
"2026-01-31 10:00:00 UTC", or Snowflake's and Ruby's "2026-01-31 10:00:00 -0800"; "12", "20260131" and "soon" are not.
Customer.io compares unix seconds only (docs/customerio.md#times).
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

_ISO = re.compile(
    r"\d{4}-\d\d-\d\d"
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|GMT)| ?[+-]\d\d(?::?\d\d)?)?)?",
    re.IGNORECASE,
)
_ZONE_NAME = re.compile(r"(?:UTC|GMT|Z)$", re.IGNORECASE)
_SHORTEST, _LONGEST = len("2026-01-31"), len("2026-01-31T10:00:00.123456789 +00:00")
_MINUTES = len("2026-01-31 10:00")
_BASIC_DATE = len("20260131")
_UNIX_DIGITS = (9, 10, 11, 12, 13, 15, 16, 17)  # 14 are most likely 20260131100000
_PLAIN_ENDS = frozenset("0123456789Z")
MILLISECONDS_FROM = 10**11
MICROSECONDS_FROM = 10**14


def parse(text: str) -> datetime | None:
    """Returns the time that an ISO 8601 date or date-time names (UTC where it has no zone); None for other texts."""
    if not _SHORTEST <= len(text) <= _LONGEST or text[4] != "-":
        return None
    return _parsed(text)


@lru_cache(maxsize=8192)
def _parsed(text: str) -> datetime | None:
    """Returns the time, and caches it: each message gives some of its times several times, and each sync reads them."""
    if not _ISO.fullmatch(text):
        return None
    if " " in text[_MINUTES:]:
        text = text[:_MINUTES] + text[_MINUTES:].replace(" ", "")
    try:
        plain = text[-1] in _PLAIN_ENDS
        moment = datetime.fromisoformat(text if plain else _ZONE_NAME.sub("+00:00", text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def seconds(value: Any) -> int | None:
    """Returns the unix seconds of a time in ISO text, seconds, milliseconds or microseconds; None for no time."""
    if isinstance(value, str):
        moment = parse(value)
        return None if moment is None else int(moment.timestamp())
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**17:
        return None
    return int(value) if value < MILLISECONDS_FROM else int(value // (1000 if value < MICROSECONDS_FROM else 10**6))


def digits(text: str) -> int | float | None:
    """Returns the number that digits mean as a time: as many digits as unix times have, or a date like 20260131.

    Other digits ("2014") are no time: as unix seconds they would be a day in 1970.
    """
    if len(text) == _BASIC_DATE:
        moment = parse(f"{text[:4]}-{text[4:6]}-{text[6:]}")
        return None if moment is None else moment.timestamp()
    return int(text) if len(text) in _UNIX_DIGITS else None


def across(version: int | None) -> int | None:
    """Returns a version that can be compared between users, a time; None for a counter, which is of one user alone."""
    return version if version is not None and version >= MICROSECONDS_FROM else None


def entry(version: int | None, now: float) -> int:
    """Returns the unix seconds of a change: those of its version where that is a time, else `now`."""
    told = across(version)
    return int(now) if told is None else told // 1_000_000


def version(value: Any) -> int | None:
    """Returns a change's version: an integer as it is, a time as microseconds; None where it is neither."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 2**63 else None
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else None
    moment = parse(value) if isinstance(value, str) else None
    return None if moment is None else round(moment.timestamp() * 1_000_000)
