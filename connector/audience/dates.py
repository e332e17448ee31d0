"""Dates as Customer.io wants them: unix seconds. Settings say of which values (`convert_dates` and two others)."""

from typing import Any

from connector.audience.rules import Rules
from connector.model import times

SHORTEST = len("2026-01-31")


def dated(value: Any, target: str, rules: Rules) -> Any:
    """Returns the value with its dates as the settings want them."""
    if isinstance(value, dict | list):
        return cast_within(value, target) if rules.dates.nested else value
    return cast(value, target) if rules.dates.attributes else value


def cast_within(value: Any, name: str) -> Any:
    """Casts whatever stands in lists and objects, as `cast` does, each under its own name there."""
    if isinstance(value, dict):
        return {inner: cast_within(each, inner) for inner, each in value.items()}
    return [cast_within(each, name) for each in value] if isinstance(value, list) else cast(value, name)


def cast(value: Any, target: str) -> Any:
    """Returns unix seconds for a full ISO date or date-time, and for milliseconds if the name is that of a time."""
    if isinstance(value, str):
        if len(value) < SHORTEST or value[4] != "-":
            return value
        as_seconds = times.seconds(value)
        return value if as_seconds is None else as_seconds
    if isinstance(value, int | float) and value >= times.MILLISECONDS_FROM and target.endswith(("_at", "_date")):
        as_seconds = times.seconds(value)
        return value if as_seconds is None else as_seconds
    return value
