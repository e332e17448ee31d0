"""What the App API says of manual segments: which one has a name, whether one may be sent to (reference: 4.3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from connector.outcome import Reply
from connector.model.problem import Problem
from connector.settings.mistakes import variable
from connector.settings.manual_segments import Target

DESCRIPTION = "Filled by the Audience Sync Connector"
_DONE = (200, 201)


@dataclass(frozen=True, slots=True)
class Found:
    """The segment's id in Customer.io."""

    id: int


@dataclass(frozen=True, slots=True)
class Absent:
    """There is none."""


@dataclass(frozen=True, slots=True)
class Fault:
    """It cannot be sent to; for_human: it will not be by itself."""

    reason: str
    for_human: bool


Answer = Found | Absent | Fault


def no_key(connection: str) -> str:
    """Why a name leads nowhere without the App API's key."""
    return f"{variable(('connections', connection, 'app_api_key'))} is not set, so only ids can be sent to, not names"


def text_of(target: Target) -> str:
    """A manual segment as the store names it: JSON, so that a name of digits is not an id."""
    return to_json(target).decode()


def looked_up(reply: Reply, target: Target) -> Answer:
    """The manual segment among all segments, the answer to `GET /v1/segments`."""
    rows = _rows(reply)
    if isinstance(rows, Fault):
        return rows
    key = "name" if isinstance(target, str) else "id"
    named = [row for row in rows if row.get(key) == target]
    manual = [row for row in named if row.get("type") == "manual"]
    if len(manual) > 1:
        ids = ", ".join(str(row.get("id")) for row in manual)
        return Fault(f"several manual segments have this name ({ids}): give the id of one", for_human=True)
    if manual:
        return _found(manual[0])
    if named:
        return Fault("Customer.io fills it by conditions of its own: give a manual segment", for_human=True)
    return Absent()


def made(reply: Reply) -> Found | Fault:
    """The manual segment that was made, the answer to `POST /v1/segments`."""
    body = _body(reply)
    row = body.get("segment") if isinstance(body, dict) else None
    if isinstance(body, Fault):
        return body
    return _found(row) if isinstance(row, dict) else _no_segment()


def problem(target: Target, reason: str, sync: str) -> Problem:
    """What people read; the same until something else is wrong."""
    advice = f"mend it, then `connector resync {sync}` brings everybody in who should be"
    return Problem("segment", str(target), f"the manual segment {text_of(target)} cannot be filled: {reason}. {advice}")


def _rows(reply: Reply) -> Sequence[Mapping[str, Any]] | Fault:
    body = _body(reply)
    if isinstance(body, Fault):
        return body
    rows = body.get("segments")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else _no_segment()


def _found(row: Mapping[str, Any]) -> Found | Fault:
    id = row.get("id")
    return Found(id) if isinstance(id, int) and not isinstance(id, bool) else _no_segment()


def _body(reply: Reply) -> Mapping[str, Any] | Fault:
    match reply.status:
        case 0:
            return Fault(reply.fault or "the App API gave no answer", for_human=False)
        case 401 | 403:
            return Fault(f"the App API answered {reply.status}: check APP_API_KEY and its scopes", for_human=True)
        case 400 | 404 | 422:
            return Fault(f"the App API answered {reply.status}", for_human=True)
        case status if status not in _DONE:
            return Fault(f"the App API answered {status}", for_human=False)
    try:
        body = from_json(reply.body)
    except ValueError:
        body = None
    return body if isinstance(body, dict) else _no_segment()


def _no_segment() -> Fault:
    return Fault("the App API's answer is not Customer.io's", for_human=False)
