"""Says whether a user is in the audience of a sync, and if not, why."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from connector.audience.addressing import has_email
from connector.audience.rules import Rules
from connector.audience.suppression import suppressed
from connector.model.entity import Facts


class AudienceStatus(StrEnum):
    """The standing of a user in a sync. The value is the reason shown to the operator."""

    IN = "in the audience"
    OUTSIDE = "not in a whitelisted segment"
    KEPT = "left the audience: kept as last sent"
    CLEARED = "left the audience: attributes cleared"
    DELETED = "left the audience: deleted"
    SUPPRESSED = "suppressed"
    MERGED = "merged into another user"
    NO_IDENTIFIER = "no identifier"
    NO_EMAIL = "no e-mail"

    @property
    def unaddressed(self) -> bool:
        """Says whether they are in the audience but have no identifier or e-mail to send them by."""
        return self in (AudienceStatus.NO_IDENTIFIER, AudienceStatus.NO_EMAIL)

    @property
    def left(self) -> bool:
        """Says whether somebody who was in the audience is out of it now."""
        return self in (
            AudienceStatus.KEPT,
            AudienceStatus.CLEARED,
            AudienceStatus.DELETED,
            AudienceStatus.SUPPRESSED,
            AudienceStatus.MERGED,
        )

    @property
    def deletes(self) -> bool:
        """Says whether the person is to be removed from Customer.io; the deletion guard counts these."""
        return self in (AudienceStatus.DELETED, AudienceStatus.SUPPRESSED)


NUMBERS: Mapping[str, int] = {
    AudienceStatus.IN: 1,
    AudienceStatus.OUTSIDE: 2,
    AudienceStatus.KEPT: 3,
    AudienceStatus.CLEARED: 4,
    AudienceStatus.DELETED: 5,
    AudienceStatus.SUPPRESSED: 6,
    AudienceStatus.MERGED: 7,
    AudienceStatus.NO_IDENTIFIER: 8,
    AudienceStatus.NO_EMAIL: 9,
}
"""The numbers as which a person's history keeps them; none changes its meaning."""
_ON_EXIT = {"keep": AudienceStatus.KEPT, "clear": AudienceStatus.CLEARED, "delete": AudienceStatus.DELETED}


def standing_of(facts: Facts, rules: Rules) -> AudienceStatus:
    """Returns where a user with these facts stands in the sync."""
    if facts.lifecycle.entries.values and (status := _lifecycle_status(facts, rules)):
        return status
    if not facts.entered:
        return AudienceStatus.OUTSIDE
    if not rules.admits(facts.segments.values.items()):
        return _ON_EXIT[rules.on_exit]
    return addressing_fault(facts.identity.values, rules) or AudienceStatus.IN


def _lifecycle_status(facts: Facts, rules: Rules) -> AudienceStatus | None:
    """Returns the status of a user who is deleted, suppressed or merged, else None.

    A sync that only updates deletes nobody.
    """
    if suppressed(facts, rules) and (facts.entered or not rules.update_only):
        return AudienceStatus.CLEARED if rules.update_only else AudienceStatus.SUPPRESSED
    if facts.lifecycle.merged_into:
        return AudienceStatus.MERGED
    if facts.lifecycle.deleted and (facts.entered or not rules.update_only):
        return AudienceStatus.CLEARED if rules.update_only else AudienceStatus.DELETED
    return None


def addressing_fault(identity: Mapping[str, Any], rules: Rules) -> AudienceStatus | None:
    """Returns why a user with this identity cannot be addressed, None if they can be."""
    if rules.addressing.identifier(identity) is None:
        return AudienceStatus.NO_IDENTIFIER
    if rules.require_email and not has_email(identity.get("email")):
        return AudienceStatus.NO_EMAIL
    return None
