"""Reads the App API's answers about manual segments (docs/customerio.md#manual-segments)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from connector.customerio import envelopes, statuses
from connector.customerio.responses import Reply
from connector.customerio.statuses import Meaning
from connector.model.problem import Problem
from connector.settings.manual_segments import Target
from connector.settings.mistakes import variable

DESCRIPTION = "Filled by the Audience Sync Connector"


@dataclass(frozen=True, slots=True)
class FoundSegment:
    """The segment's id in Customer.io."""

    id: int


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no such manual segment."""


@dataclass(frozen=True, slots=True)
class SegmentFault:
    """A manual segment cannot be sent to. for_human: it will stay so until a human does something."""

    reason: str
    for_human: bool


SegmentAnswer = FoundSegment | Absent | SegmentFault


def no_key(connection: str) -> str:
    """Returns why a segment that is given by name cannot be sent to without the App API's key."""
    return f"{variable(('connections', connection, 'app_api_key'))} is not set, so only ids can be sent to, not names"


def text_of(target: Target) -> str:
    """Returns a manual segment as the store names it: JSON, so that a name of digits is not an id."""
    return to_json(target).decode()


def looked_up(reply: Reply, target: Target) -> SegmentAnswer:
    """Finds a manual segment among all segments, in the answer to `GET /v1/segments`."""
    rows = _rows(reply)
    if isinstance(rows, SegmentFault):
        return rows
    key = "name" if isinstance(target, str) else "id"
    named = [row for row in rows if row.get(key) == target]
    manual = [row for row in named if row.get("type") == "manual"]
    if len(manual) > 1:
        ids = ", ".join(str(row.get("id")) for row in manual)
        return SegmentFault(f"several manual segments have this name ({ids}): give the id of one", for_human=True)
    if manual:
        return _found(manual[0])
    if named:
        return SegmentFault("Customer.io fills it by conditions of its own: give a manual segment", for_human=True)
    return Absent()


def made(reply: Reply) -> FoundSegment | SegmentFault:
    """Returns the manual segment that was made, from the answer to `POST /v1/segments`."""
    body = _body(reply)
    row = body.get("segment") if isinstance(body, dict) else None
    if isinstance(body, SegmentFault):
        return body
    return _found(row) if isinstance(row, dict) else _no_segment()


def problem(target: Target, fault: SegmentFault, sync: str) -> Problem:
    """Returns the problem that people read; it stays the same until something else is wrong."""
    advice = "It is tried again within a minute, and those who should be in it wait"
    if fault.for_human:
        advice = f"Mend it, then `connector resync {sync}` brings everybody in who should be"
    what = f"the manual segment {text_of(target)} cannot be filled: {fault.reason.rstrip('.')}. {advice}"
    return Problem("segment", str(target), what)


def _rows(reply: Reply) -> Sequence[Mapping[str, Any]] | SegmentFault:
    body = _body(reply)
    if isinstance(body, SegmentFault):
        return body
    rows = body.get("segments")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else _no_segment()


def _found(row: Mapping[str, Any]) -> FoundSegment | SegmentFault:
    id = row.get("id")
    return FoundSegment(id) if isinstance(id, int) and not isinstance(id, bool) else _no_segment()


def _body(reply: Reply) -> Mapping[str, Any] | SegmentFault:
    if not reply.status:
        return SegmentFault(reply.fault or "the App API gave no answer", for_human=False)
    match statuses.meaning(statuses.APP, reply.status):
        case Meaning.CREDENTIALS if reply.status == 401 or envelopes.refusal(reply.usable_body) is not None:
            return SegmentFault(f"{_said(reply)}: check APP_API_KEY and its scopes", for_human=True)
        case Meaning.REFUSED if envelopes.refusal(reply.usable_body) is not None:
            return SegmentFault(_said(reply), for_human=True)
        case Meaning.ACCEPTED | Meaning.REFUSED:
            body = envelopes.json_object(reply.usable_body)
            accepted = statuses.meaning(statuses.APP, reply.status) is Meaning.ACCEPTED
            return body if body is not None and accepted else _no_segment()
        case _:
            return SegmentFault(_said(reply), for_human=False)


def _said(reply: Reply) -> str:
    words = envelopes.words(reply.usable_body)
    return f"the App API answered {reply.status}" + (f": {words}" if words else "")


def _no_segment() -> SegmentFault:
    return SegmentFault("the App API's answer is not Customer.io's", for_human=False)
