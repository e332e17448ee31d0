"""A request to let held deletions go, which a second person has to confirm."""

from dataclasses import dataclass
from typing import Literal

from connector.model.entity import EntityKind

ApprovalState = Literal["waiting", "confirmed", "withdrawn"]
HeldName = tuple[EntityKind, str]
"""Somebody, or an object, whose deletion is held: what they are, and their key upstream."""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A request to let held deletions go. Times are unix seconds.

    names: whose deletions are meant, None for all of the sync that were held then, which were `count`. asked_by: who
    asked; expires_at: until when somebody else may confirm it. settled_by, settled_at: who confirmed or withdrew it.
    """

    id: str
    sync: str
    names: tuple[HeldName, ...] | None
    count: int
    asked_by: str
    asked_at: float
    expires_at: float
    state: ApprovalState = "waiting"
    settled_by: str | None = None
    settled_at: float | None = None

    def waits(self, now: float) -> bool:
        """Says whether somebody else may still confirm it at `now`, in unix seconds."""
        return self.state == "waiting" and now < self.expires_at

    def came_to(self, now: float) -> str:
        """Returns in one word what has become of it by `now`, in unix seconds."""
        return "expired" if self.state == "waiting" and now >= self.expires_at else self.state
