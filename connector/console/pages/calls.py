"""/calls: the requests to Customer.io, the latest first and as they go; /calls/ID: one of them, item by item."""

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from connector.admin import call_list, one_call
from connector.admin.call_list import WantedCalls
from connector.admin.person import search
from connector.console import json_text
from connector.console.page import Desk, Download, Page, Route, Visit
from connector.errors import ConnectorError, StoreError

_SHOWN = 100
_FILTERS = ("sync", "connection", "status", "verdict", "person", "from", "to")
_PERIODS = {"10 minutes": 600.0, "hour": 3600.0, "day": 86_400.0, "week": 604_800.0}
_VERDICTS = {
    "settled": "taken whole",
    "refused": "some refused",
    "split": "refused whole, sent in halves",
    "paused": "not known, tried again",
    "failed": "anything but taken whole",
}
_MOST_CHARACTERS = 100_000


def calls(desk: Desk, visit: Visit) -> Page:
    """Lists the requests that the address asks for."""
    found, fault = call_list.NOTHING, ""
    try:
        person = _person(desk, visit)
        found = call_list.lately(desk.reads, _wanted(desk, visit), visit.given("after"), _SHOWN, person)
    except StoreError:
        raise
    except ConnectorError as error:
        fault = str(error)
    context = {
        "days": [(day, list(some)) for day, some in groupby(found.calls, key=lambda each: _day(each.call.at))],
        "page": found,
        "fault": fault,
        "given": {name: visit.given(name) for name in (*_FILTERS, "last")},
        "filtered": any(visit.given(name) for name in (*_FILTERS, "last")),
        "older": _address(visit, after=found.after),
        "newest": _address(visit, after=""),
        "live": not visit.given("after") and not fault,
        "syncs": [each.name for each in desk.runtime.syncs],
        "connections": list(desk.settings.connections),
        "verdicts": _VERDICTS,
        "periods": _PERIODS,
        "kept": desk.settings.retention,
    }
    return Page("calls.html", context, about_people=True, status=400 if fault else 200)


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%A, %Y-%m-%d")


def _address(visit: Visit, after: str) -> str:
    query = {name: visit.given(name) for name in (*_FILTERS, "last") if visit.given(name)}
    query |= {"after": after} if after else {}
    return f"/calls?{urlencode(query)}" if query else "/calls"


def _person(desk: Desk, visit: Visit) -> str:
    """Returns the key of the person whose requests are asked for, "" for anybody's."""
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
    if verdict and verdict not in _VERDICTS:
        raise ConnectorError(f"There is no verdict {verdict!r}: it is one of {', '.join(_VERDICTS)}.")
    since = _moment(visit, "from")
    last = visit.given("last")
    if last:
        if last not in _PERIODS:
            raise ConnectorError(f"There is no period {last!r}: it is one of {', '.join(_PERIODS)}.")
        since = max(since or 0.0, call_list.now(desk.reads) - _PERIODS[last])
    return WantedCalls(
        connection=visit.given("connection"),
        sync=visit.given("sync"),
        verdict="" if verdict == "failed" else verdict,
        failed=verdict == "failed",
        status=_status(visit),
        since=since,
        until=_moment(visit, "to"),
    )


def _status(visit: Visit) -> int | None:
    given = visit.given("status")
    if not given:
        return None
    if not (given.isdecimal() and len(given) <= 3):
        raise ConnectorError(f"{given!r} is no status: give a number as 207, or 0 for no answer.")
    return int(given)


def _moment(visit: Visit, name: str) -> float | None:
    given = visit.given(name)
    if not given:
        return None
    try:
        return datetime.fromisoformat(given).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError) as error:
        raise ConnectorError(f"{given!r} is no date and time: write it as 2026-01-31T14:00, in UTC.") from error


def call(desk: Desk, visit: Visit) -> Page:
    """Shows one request."""
    found = one_call.find(desk.reads, visit.path["id"])
    reply = found.logged.call.reply
    context: Mapping[str, Any] = {
        "found": found,
        "call": found.logged.call,
        "id": found.logged.id,
        "sent": json_text.indented(found.body),
        "answered": json_text.indented(reply),
        "cut": len(found.curl) > _MOST_CHARACTERS,
        "verdicts": _VERDICTS,
        "kept": desk.settings.retention,
    }
    return Page("call.html", context, about_people=True)


def body(desk: Desk, visit: Visit) -> Download:
    """Gives the body of a request as a file, as it went on the wire."""
    found = one_call.find(desk.reads, visit.path["id"])
    if found.body is None:
        raise ConnectorError("The body of this request is not kept.")
    return Download(f"call-{found.logged.id}.json", "application/json", found.body)


ROUTES = (
    Route("/calls", calls),
    Route("/calls/{id}", call),
    Route("/calls/{id}/body", body, "viewer"),
)
