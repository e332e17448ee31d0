"""/: whether everything is right, in one sentence, and where to look if it is not."""

from connector.admin.status import gathered
from connector.console.page import Desk, Page, Route, Visit

_BEHIND_SECONDS = 300.0


def home(desk: Desk, _: Visit) -> Page:
    """Shows how things stand."""
    status = gathered(desk.settings, desk.reads.store, None, _BEHIND_SECONDS)
    return Page("home.html", {"status": status})


ROUTES = (Route("/", home),)
