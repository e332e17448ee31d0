"""/operators: who did what by hand."""

from connector.admin import operator_acts
from connector.console.page import Desk, Page, Route, Visit

_SHOWN = 200


def operators(desk: Desk, visit: Visit) -> Page:
    """Shows the log of operators."""
    act = visit.given("act")
    found = operator_acts.latest(desk.reads.store, 0.0, act, _SHOWN)
    return Page("operators.html", {"acts": found, "act": act})


ROUTES = (Route("/operators", operators, role="viewer"),)
