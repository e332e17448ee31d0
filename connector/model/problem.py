"""Problems: what needs a human."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "unreadable", "attribute", "identifier", "conflict", "event", "action", "refused", "held", "segment", "source",
    "backfill",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing for a human, worded so that the next step is plain.

    subject is the upstream user's key ("" for a message that names none), or the name of a source, or the id of a
    backfill; reason a sentence without the payload's
    values; payload what a replay needs (the unreadable message, the refused operation), or None.
    """

    kind: Kind
    subject: str
    reason: str
    payload: Any = None
