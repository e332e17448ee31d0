"""The pages of the console, each a module whose ROUTES names the addresses that it answers."""

from connector.console.page import Route
from connector.console.pages import (
    alerts,
    calls,
    funnel,
    held,
    home,
    jobs,
    operators,
    people,
    problems,
    reveal,
    settings,
    syncs,
    try_it,
)

_PAGES = (home, syncs, people, funnel, calls, problems, held, jobs, alerts, try_it, settings, operators, reveal)


def routes() -> tuple[Route, ...]:
    """Returns the routes of all pages."""
    return tuple(route for page in _PAGES for route in page.ROUTES)
