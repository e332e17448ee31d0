"""/settings: the settings in effect, each with where it came from; of secrets only whether they are set."""

from itertools import groupby

from connector.console.page import Desk, Page, Route, Visit


def settings(desk: Desk, visit: Visit) -> Page:
    """Shows the settings whose key contains the text in the address, without the defaults where it says given=yes."""
    sought, only_given = visit.given("q").casefold(), visit.given("given") == "yes"
    every = desk.settings.effective()
    found = [each for each in every if sought in each.key.casefold() and not (only_given and each.origin == "default")]
    sections = [(name, list(lines)) for name, lines in groupby(found, key=lambda each: each.section)]
    context = {"sections": sections, "q": visit.given("q"), "given": only_given, "count": len(found), "all": len(every)}
    return Page("settings.html", context)


ROUTES = (Route("/settings", settings, role="viewer"),)
