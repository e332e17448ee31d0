"""One request to Customer.io: when upstream had spoken, what was sent and answered, and whose the items are."""

import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json
from sqlalchemy import Connection

from connector.admin.late_failures import KIND
from connector.admin.person import codes
from connector.customerio import responses
from connector.customerio.responses import Rejected, Reply, Settle
from connector.customerio.track import path_of
from connector.errors import ConnectorError
from connector.runtime import Runtime
from connector.store import call_pages, problems
from connector.store.call_pages import PersonInCall
from connector.store.request_log import Logged

PEOPLE, SHOWN = 5000, 200
"""The most people of a request that are read, and the most items of it that are shown."""
_DROPPED_SECONDS, _CLOCKS_SECONDS = 600.0, 60.0
"""A drop belongs to a request within ten minutes, counted from one minute before it, as the clocks may differ."""


class ItemOfCall(NamedTuple):
    """One item of a request. number: its place, from 0; what: its action; whose: the key, "" where it is not known.

    answer: taken, refused and the like; reason: Customer.io's words, "" for none. content: the item, None where it is
    not kept. said_at: when upstream last spoke of them before the request, in unix seconds, None where that is not
    known. dropped: the id of the open problem that says that Customer.io dropped something of theirs right after, ""
    for none.
    """

    number: int
    what: str
    sync: str
    whose: str
    answer: str
    reason: str
    content: Any
    said_at: float | None
    dropped: str = ""


@dataclass(frozen=True, slots=True)
class OneCall:
    """A request with its items, those first that were not taken. more: how many items are not shown.

    body: the whole of what was sent, None where it is not kept; curl: a command that sends it again, "" without a body.
    Where the request was looked at for one person, the items and the command are theirs alone, and of_others is the
    number of other items.
    """

    logged: Logged
    url: str
    items: tuple[ItemOfCall, ...]
    more: int
    body: str | None
    curl: str
    of_others: int = 0

    @property
    def dropped_later(self) -> int:
        """Returns how many of the items shown are of people of whom Customer.io dropped something right after."""
        return sum(bool(each.dropped) for each in self.items)


def find(runtime: Runtime, id: str, whose: str = "") -> OneCall:
    """Returns the request with this id. whose: a person's key, to see their items alone; "" for all items.

    Where no item is known to be theirs, all are returned. Raises ConnectorError where there is no such request, or none
    any more.
    """
    with runtime.store.reading() as tx:
        logged = call_pages.one(tx, id.upper())
        if logged is None:
            days = runtime.settings.retention.calls_days
            raise ConnectorError(f"there is no request {id!r}, or no more: they are kept for {days:g} days")
        people = call_pages.people(tx, logged, PEOPLE)
        keys = list(dict.fromkeys(each.key for each in people))[: 2 * SHOWN]
        said = call_pages.last_said(tx, logged.call.sync, keys, logged.call.at) if keys else {}
        dropped = _dropped(tx, logged, keys)
    body = logged.call.body
    sent = None if body is None else body.decode(errors="replace")
    url = _url(runtime, logged)
    found = [each._replace(dropped=dropped.get(each.whose, "")) for each in _items(logged, sent, people, said)]
    items = sorted(found, key=lambda each: (_went_well(each), each.number))
    theirs = [each for each in items if each.whose == whose] if whose else []
    if theirs:
        alone = _curl(url, _alone(sent, theirs))
        return OneCall(logged, url, tuple(theirs), 0, sent, alone, max(logged.call.items, len(items)) - len(theirs))
    shown = tuple(items[:SHOWN])
    return OneCall(logged, url, shown, max(logged.call.items, len(items)) - len(shown), sent, _curl(url, sent))


def _alone(sent: str | None, theirs: Collection[ItemOfCall]) -> str | None:
    """Returns the body of a request with these items alone, in their order.

    It is the whole body where that is no list of items, or where one of these is not kept; None where none is kept.
    """
    contents = [each.content for each in sorted(theirs, key=lambda each: each.number)]
    if sent is None or None in contents:
        return sent
    body = from_json(sent)
    name = next((each for each in ("batch", "ids") if each in body), "")
    return to_json({**body, name: contents}).decode() if name else sent


def _went_well(item: ItemOfCall) -> bool:
    return not item.reason and not item.dropped and item.answer in ("taken", "")


def _dropped(tx: Connection, logged: Logged, keys: Collection[str]) -> dict[str, str]:
    """Returns, by key, the id of an open problem of each person of whom Customer.io dropped something soon after."""
    open_ones = problems.of_subjects(tx, logged.call.sync, KIND, keys) if keys else []
    began = logged.call.at - _CLOCKS_SECONDS
    return {
        each.problem.subject: each.id
        for each in open_ones
        if isinstance(each.problem.payload, dict) and 0 <= each.problem.payload.get("at", 0) - began <= _DROPPED_SECONDS
    }


def _url(runtime: Runtime, logged: Logged) -> str:
    connection = runtime.settings.connections.get(logged.call.connection)
    base = connection.track_base if connection is not None else "https://track.customer.io"
    return f"{base.rstrip('/')}{path_of(logged.call.endpoint)}"


def _items(logged: Logged, sent: str | None, people: list[PersonInCall], said: Mapping[str, float]) -> list[ItemOfCall]:
    contents, reasons = _contents(sent), _reasons(logged)
    found: dict[int, ItemOfCall] = {}
    for part in people:
        first = part.first or 0
        for number in range(first, first + (part.items or 0)):
            what, answer = ", ".join(codes.sorts(part.sorts)), codes.answer(part.answer) or ""
            content, reason = contents.get(number), reasons.get(number, "")
            what = what if content is None else _action(content)
            at = said.get(part.key)
            found[number] = ItemOfCall(number, what, part.sync, part.key, answer, reason, content, at)
    for number, content in contents.items():
        if number not in found:
            what, reason = _action(content), reasons.get(number, "")
            found[number] = ItemOfCall(
                number, what, logged.call.sync, "", "refused" if reason else "", reason, content, None
            )
    return list(found.values())


def _contents(sent: str | None) -> dict[int, Any]:
    """Returns the content of the items by their places; nothing where the body is not kept or cannot be read."""
    if sent is None:
        return {}
    try:
        body = from_json(sent)
    except ValueError:
        return {}
    listed = body.get("batch", body.get("ids")) if isinstance(body, dict) else None
    return dict(enumerate(listed if isinstance(listed, list) else [body]))


def _action(content: Any) -> str:
    return str(content.get("action", "event")) if isinstance(content, dict) else "member"


def _reasons(logged: Logged) -> dict[int, str]:
    """Returns Customer.io's reasons for refused items, by the items' places, as far as the reply is kept."""
    call = logged.call
    if call.reply is None or not call.status:
        return {}
    meant = responses.read(Reply(call.status, call.reply.encode()), call.endpoint, call.items)
    if not isinstance(meant, Settle):
        return {}
    return {number: each.reason for number, each in enumerate(meant.results) if isinstance(each, Rejected)}


def _curl(url: str, sent: str | None) -> str:
    if sent is None:
        return ""
    whom = '-u "$CUSTOMERIO_SITE_ID:$CUSTOMERIO_API_KEY"'
    return (
        f"curl -X POST {shlex.quote(url)} {whom} -H 'Content-Type: application/json' --data-binary {shlex.quote(sent)}"
    )
