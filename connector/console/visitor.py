"""The visitor of a page, their role, and what it allows."""

from dataclasses import dataclass

from connector.settings.console_sign_in import ROLES, ConsoleRole

_WORDS: dict[ConsoleRole, str] = {
    "masked_viewer": "may look, without what is personal",
    "viewer": "may look",
    "operator": "may look and mend",
    "approver": "may look, mend and approve deletions",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has signed in.

    door: how they did: password, oidc, proxy; loopback where no sign-in is configured. masked: whether what is personal
    is masked on this page until they ask to see it.
    """

    name: str
    role: ConsoleRole
    door: str
    masked: bool = False

    def may(self, role: ConsoleRole) -> bool:
        """Whether they may do what this role may."""
        return ROLES.index(self.role) >= ROLES.index(role)

    @property
    def sees_people(self) -> bool:
        """Whether they see what is personal on this page."""
        return self.may("viewer") and not self.masked

    @property
    def signs_out(self) -> bool:
        """Whether there is a session of theirs to end: a proxy says with each request who asks."""
        return self.door in ("password", "oidc")

    @property
    def wording(self) -> str:
        """What they may do, in words."""
        return _WORDS[self.role]


LOOPBACK = Visitor("local", "approver", "loopback")
"""Whoever asks from this machine, where no sign-in is configured."""
