"""Who looks at a page, and what they may do there."""

from dataclasses import dataclass

from connector.settings.console import ROLES, ConsoleRole

_WORDS: dict[ConsoleRole, str] = {
    "masked_viewer": "may look, without what is personal",
    "viewer": "may look",
    "operator": "may look and mend",
    "approver": "may look, mend and approve deletions",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has signed in. door: how they did, "loopback" where no sign-in is configured."""

    name: str
    role: ConsoleRole
    door: str

    def may(self, role: ConsoleRole) -> bool:
        """Whether they may do what this role may."""
        return ROLES.index(self.role) >= ROLES.index(role)

    @property
    def sees_people(self) -> bool:
        """Whether they may see what is personal."""
        return self.may("viewer")

    @property
    def wording(self) -> str:
        """What they may do, in words."""
        return _WORDS[self.role]


LOOPBACK = Visitor("local", "approver", "loopback")
"""Whoever asks from this machine, where no sign-in is configured."""
