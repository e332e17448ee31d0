"""The lines of an explanation."""

from typing import NamedTuple

_SHOWN = 60


class Explanation(NamedTuple):
    """One thing (an attribute, an event, an operation, the audience), what becomes of it, and why."""

    kind: str
    name: str
    outcome: str
    reason: str


def shown(value: object) -> str:
    """A value, cut where it is long."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
