"""Problems, which need a human."""

from dataclasses import dataclass
from typing import Any, Literal

ProblemKind = Literal[
    "unreadable", "attribute", "identifier", "conflict", "event", "action", "refused", "held", "segment", "source",
    "backfill", "queue", "failing", "connection", "poison", "dead letters", "queue arguments", "queue unread",
    "webhook", "signature", "failed later", "activities", "out", "out refused", "export",
]  # fmt: skip

REPLAYED: frozenset[ProblemKind] = frozenset(
    {"unreadable", "poison", "refused", "failing", "failed later", "out refused"}
)
"""The kinds of which a replay tries again what was stopped. Held deletions are let go instead; the others end by
themselves, by the next message of their user, or by what mends their cause."""

EVERY_SYNC = ""
"""The name under which what concerns no single sync is counted and kept."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem for a human, worded so that the next step is plain.

    subject is the upstream user's key ("" for a message that names none), or the name of a source, queue or
    connection, or the id of a backfill; reason a sentence without the payload's values; payload what a replay needs
    (the unreadable message, the refused operation), or None; form the form that an unreadable message was read as, ""
    where nobody said.
    """

    kind: ProblemKind
    subject: str
    reason: str
    payload: Any = None
    form: str = ""
