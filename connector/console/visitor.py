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
    """Somebody who has signed in, or asks from this machine where no sign-in is configured.

    door: the way by which they did: password, oidc or proxy, or loopback for this machine. masked: whether personal
    values are masked on this page until they ask to see them.
    """

    name: str
    role: ConsoleRole
    door: str
    masked: bool = False

    def may(self, role: ConsoleRole) -> bool:
        """Says whether they have this role or a higher one."""
        return ROLES.index(self.role) >= ROLES.index(role)

    @property
    def sees_people(self) -> bool:
        """Says whether they see personal values on this page."""
        return self.may("viewer") and not self.masked

    @property
    def signs_out(self) -> bool:
        """Says whether they have a session to end. By a proxy they have none: it names them with each request."""
        return self.door in ("password", "oidc")

    @property
    def wording(self) -> str:
        """Returns what they may do, in words."""
        return _WORDS[self.role]


LOOPBACK = Visitor("local", "approver", "loopback")
"""The visitor who asks from this machine, where no sign-in is configured."""
