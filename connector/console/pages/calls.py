"""/calls: the requests to Customer.io, the latest first and as they go; /calls/ID: one of them, item by item."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import Any

from connector.admin import call_list, one_call
from connector.admin.call_list import CallPage, WantedCalls
from connector.admin.person import search
from connector.console import json_text, periods
from connector.console.page import Desk, Download, Page, Route, Visit
from connector.console.paging import address, offered
from connector.errors import ConnectorError

_SHOWN = 100
_FILTERS = ("sync", "connection", "status", "verdict", "person", *periods.NAMES)
VERDICTS = {
    "settled": "taken whole",
    "refused": "some refused",
    "split": "refused whole, sent in halves",
    "paused": "not known, tried again",
    "failed": "anything but taken whole",
}
_MOST_CHARACTERS = 100_000


def calls(desk: Desk, visit: Visit) -> Page:
    """Shows the requests that the filters of the address ask for, 100 at a time, the latest first.

    Raises ConnectorError for a filter that cannot be read, and for a person who is not found or not the only one.
    """
    person = _person(desk, visit)
    read = partial(call_list.lately, desk.reads, _wanted(desk, visit), visit.given("after"), _SHOWN, person)
    found = desk.shared.get(("calls", person, *sorted(visit.query.items())), read)
    return _listing(desk, visit, found, "")


def _at_fault(desk: Desk, visit: Visit, fault: str) -> Page:
    return _listing(desk, visit, call_list.NOTHING, fault)


def _listing(desk: Desk, visit: Visit, found: CallPage, fault: str) -> Page:
    given = {name: visit.given(name) for name in _FILTERS}
    context = {
        "days": [(day, list(some)) for day, some in groupby(found.calls, key=lambda each: _day(each.call.at))],
        "page": found,
        "fault": fault,
        "given": given,
        "filtered": any(given.values()),
        "older": address("/calls", given, found.after),
        "newest": address("/calls", given, ""),
        "live": not visit.given("after") and not fault,
        "syncs": offered((each.name for each in desk.runtime.syncs), given["sync"]),
        "connections": offered(desk.settings.connections, given["connection"]),
        "verdicts": VERDICTS,
        "periods": periods.LAST,
        "kept": desk.settings.retention,
    }
    return Page("calls.html", context, about_people=True, status=400 if fault else 200)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%A, %Y-%m-%d")


def _person(desk: Desk, visit: Visit) -> str:
    """Returns the key of the person whose requests are asked for, "" for everybody's.

    Raises ConnectorError where nobody, or more than one, is known by the given name.
    """
    name = visit.given("person")
    if not name:
        return ""
    found = search.by_index(desk.reads, name, visit.given("sync"))
    if not found:
        raise ConnectorError("Nobody is known so: give their key upstream, their id or their e-mail address.")
    if len(found) > 1:
        raise ConnectorError("More than one person is known so: look for them at People, and give the key of one.")
    return found[0].key


def _wanted(desk: Desk, visit: Visit) -> WantedCalls:
    verdict = visit.given("verdict")
    if verdict and verdict not in VERDICTS:
        raise ConnectorError(f"There is no verdict {verdict!r}: it is one of {', '.join(VERDICTS)}.")
    period = periods.wanted(visit, partial(call_list.now, desk.reads))
    return WantedCalls(
        connection=visit.given("connection"),
        sync=visit.given("sync"),
        verdict="" if verdict == "failed" else verdict,
        failed=verdict == "failed",
        status=_status(visit),
        since=period.since,
        until=period.until,
    )


def _status(visit: Visit) -> int | None:
    given = visit.given("status")
    if not given:
        return None
    if not (given.isdecimal() and len(given) <= 3):
        raise ConnectorError(f"{given!r} is no status: give a number as 207, or 0 for no answer.")
    return int(given)


def call(desk: Desk, visit: Visit) -> Page:
    """Shows one request, with the items of the person in the address, or else with up to 200 of all its items.

    A person in the address counts only for a visitor who sees personal values, and if items are theirs. Raises
    ConnectorError where there is no such request, or none any more.
    """
    whose = visit.given("person") if visit.visitor.sees_people else ""
    found = one_call.find(desk.reads, visit.path["id"], whose)
    reply = found.logged.call.reply
    context: Mapping[str, Any] = {
        "found": found,
        "whose": whose if found.of_others else "",
        "call": found.logged.call,
        "id": found.logged.id,
        "sent": json_text.indented(found.body),
        "answered": json_text.indented(reply),
        "cut": len(found.curl) > _MOST_CHARACTERS,
        "verdicts": VERDICTS,
        "kept": desk.settings.retention,
    }
    return Page("call.html", context, about_people=True)


def body(desk: Desk, visit: Visit) -> Download:
    """Returns the body of a request, as it was sent, as a file.

    Raises ConnectorError where personal values are masked for the visitor, or where the body is not kept.
    """
    if not visit.visitor.sees_people:
        raise ConnectorError(
            "This body names people, which is masked: first show what is personal on its request's page."
        )
    found = one_call.find(desk.reads, visit.path["id"])
    if found.body is None:
        raise ConnectorError("The body of this request is not kept.")
    return Download(f"call-{found.logged.id}.json", "application/json", found.body)


ROUTES = (
    Route("/calls", calls, at_fault=_at_fault),
    Route("/calls/{id}", call),
    Route("/calls/{id}/body", body, "viewer", of_page=True),
)
