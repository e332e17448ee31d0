"""/operators: the log of operators, which says who did what by hand in a period, a page at a time."""

from collections.abc import Sequence
from functools import partial

from connector.admin import call_list, operator_acts
from connector.admin.operator_acts import NotedAct, WantedActs
from connector.console import periods
from connector.console.page import Desk, Page, Route, Visit
from connector.console.paging import address, after, cursor
from connector.errors import ConnectorError

_SHOWN = 200
_FILTERS = ("act", *periods.NAMES)


def operators(desk: Desk, visit: Visit) -> Page:
    """Shows the acts that the address asks for, by the beginning of their name and a period, 200 at a time.

    Raises ConnectorError for what is no period or no place in the log.
    """
    period = periods.wanted(visit, partial(call_list.now, desk.reads))
    wanted = WantedActs(visit.given("act"), period.since, period.until)
    return _listing(visit, operator_acts.some(desk.reads.store, wanted, _place(visit), _SHOWN + 1))


def _at_fault(_: Desk, visit: Visit, fault: str) -> Page:
    return _listing(visit, (), fault)


def _listing(visit: Visit, found: Sequence[NotedAct], fault: str = "") -> Page:
    last = found[_SHOWN - 1] if len(found) > _SHOWN else None
    given = {name: visit.given(name) for name in _FILTERS}
    context = {
        "acts": [each.what for each in found[:_SHOWN]],
        "given": given,
        "filtered": any(given.values()),
        "periods": periods.LAST,
        "fault": fault,
        "further": bool(visit.given("after")),
        "newest": address("/operators", given, ""),
        "older": address("/operators", given, cursor(last.what.at, str(last.id))) if last else "",
    }
    return Page("operators.html", context, status=400 if fault else 200)


def _place(visit: Visit) -> tuple[float, int] | None:
    place = after(visit.given("after"))
    if place is None:
        return None
    at, id = place
    if not (id.isascii() and id.isdecimal() and len(id) <= 18):
        raise ConnectorError(f"{id[:50]!r} is no place in the log of operators.")
    return at, int(id)


ROUTES = (Route("/operators", operators, role="viewer", at_fault=_at_fault),)
