"""/reveal: shows a visitor who asks for it the personal values of one person, or of one page, for a while."""

from connector.console import reveals
from connector.console.access import own_path
from connector.console.page import Desk, PageAnswer, Redirect, Route, Visit
from connector.console.rendering import seconds
from connector.errors import ConnectorError


def reveal(desk: Desk, visit: Visit) -> PageAnswer:
    """Lets the visitor see a subject unmasked for `reveal_seconds`, and redirects to the page that they came from.

    Raises ConnectorError where the form names no subject.
    """
    subject = _subject(visit)
    if not subject:
        raise ConnectorError("This says not what is to be shown: go back to the page, load it anew, and try again.")
    until = seconds(desk.settings.console.reveal_seconds)
    return Redirect(own_path(visit.given("to")), f"You see what is personal here for {until}. This is noted.", subject)


def _subject(visit: Visit) -> str:
    given = visit.given("subject")
    return given if reveals.is_subject(given) else ""


ROUTES = (Route("/reveal", reveal, role="viewer", method="POST", act="reveal", subject=_subject),)
