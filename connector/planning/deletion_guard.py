"""Decides for the deletion guard: an upstream segment emptied by mistake must not empty Customer.io.

Deletions are counted over a window. Once they would become too many, the rest is held until a human approves or drops
them; everything else goes on.
"""

from connector.model.problem import Problem
from connector.settings.sync_options import DeletionGuard


def off(limits: DeletionGuard) -> bool:
    """Says whether the settings let every deletion pass."""
    return limits.share >= 1


def few(limits: DeletionGuard, waiting: int, admitted: int) -> bool:
    """Says whether so few wait, and were let pass within the window, that the audience need not be counted."""
    return waiting + admitted <= limits.at_least


def allowed(limits: DeletionGuard, audience: int) -> int:
    """Returns how many of `audience` people may be deleted within the window."""
    return max(limits.at_least, int(limits.share * audience))


def holds(limits: DeletionGuard, waiting: int, admitted: int, audience: int) -> bool:
    """Says whether to hold the deletions that wait.

    Args:
        limits: The limits beyond which deletions are held.
        waiting: How many deletions wait.
        admitted: How many deletions were let pass within the window.
        audience: How many people Customer.io held when the window began.
    """
    return waiting + admitted > allowed(limits, audience)


def problem(sync: str, limits: DeletionGuard, subject: str = "") -> Problem:
    """Returns the problem that a human sees. `subject` names the guard, unless it is the guard of the sync's people."""
    held = "people" if subject in ("", sync) else "objects"
    minutes = limits.window_seconds / 60
    reason = (
        f"more than {limits.share:.4g} of the {held} held (and more than {limits.at_least}) would be deleted within "
        f"{minutes:.4g} minutes: the deletions are held until somebody lets them go (`connector approve {sync}`) or "
        f"drops them (`connector approve {sync} --drop`); everything else goes on"
    )
    return Problem("held", subject or sync, reason)
