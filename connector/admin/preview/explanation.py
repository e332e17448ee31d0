"""The lines of an explanation."""

import json
from typing import NamedTuple

_SHOWN = 60


class Explanation(NamedTuple):
    """One thing (an attribute, an event, an operation, the audience), what becomes of it, and why."""

    kind: str
    name: str
    outcome: str
    reason: str


def shown(value: object) -> str:
    """Returns a value in words, cut after 60 characters: a list as its entries, all else that is no text as JSON."""
    text = ", ".join(map(_plain, value)) if isinstance(value, list | tuple) else _plain(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
