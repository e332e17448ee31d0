"""What `connector check` says of one thing."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was checked, how it came out, and what to do about it."""

    level: Level
    what: str
    text: str
