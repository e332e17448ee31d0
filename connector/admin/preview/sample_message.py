"""A message to try out first: about an invented person who is in the audience by a sync's settings."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from connector.model import attribute_names
from connector.settings.schema import Sync
from connector.settings.sync_options import Attribute

_ID, _KEY, _EMAIL, _AT = "example-1001", "example-user-1", "somebody@example.com", "2026-01-31T10:00:00Z"
_BY_STEP: Mapping[str, Any] = {"number": "12.5", "boolean": "yes", "date": _AT, "join": ["first", "second"]}
_BY_WORD: Mapping[str, Any] = {
    **dict.fromkeys(("email", "mail"), _EMAIL),
    **dict.fromkeys(("at", "on", "date", "time", "since", "until", "seen"), _AT),
    **dict.fromkeys(("age", "amount", "count", "employees", "number", "score", "seats", "size", "total"), 12),
    **dict.fromkeys(("is", "has", "unsubscribed", "active"), False),
    "phone": "+1 555 0100",
    "domain": "example.com",
    "url": "https://example.com/",
    "plan": "team",
}
_KINDS = ("page", "screen")


def text(format: str, sync: Sync) -> str:
    """Returns the message as indented JSON in `format`, a form that upstream may send."""
    return json.dumps(_FORMS[format](sync), indent=2, ensure_ascii=False)


def _native(sync: Sync) -> dict[str, Any]:
    about = {"user": _user(sync), **_with("account", _account(sync)), "segments": [_segment(sync)]}
    events = [{"name": each, "id": "example-event-1", "time": _AT, "properties": {}} for each in _events(sync)]
    return {**about, "version": 1, **_with("events", events)}


def _hull(sync: Sync) -> dict[str, Any]:
    segment = {"id": "example-segment", "name": _segment(sync), "type": "users_segment"}
    events = [{"event_id": "example-event-1", "event": each, "created_at": _AT} for each in _events(sync)]
    user = {**_user(sync), "indexed_at": _AT}
    return {"user": user, "account": _account(sync), "segments": [segment], **_with("events", events)}


def _lytics(sync: Sync) -> dict[str, Any]:
    segment = _segment(sync)
    entered = {"id": "example-1", "event": "enter", "slug": segment, "name": segment, "enter": _AT}
    data = {**_user(sync), "user_id": _ID, "_modified": _AT, "segment_events": [entered]}
    return {"data": data, "meta": {"object": "user"}}


def _segment_spec(sync: Sync) -> list[dict[str, Any]]:
    user = _user(sync)
    who = {"timestamp": _AT, "userId": _ID}
    calls = [{"type": "identify", "messageId": "example-1", **who, "traits": user}]
    if "*" not in sync.segments:
        audience = {"event": "Audience Entered", "properties": {"audience_key": _segment(sync)}}
        calls.append({"type": "track", "messageId": "example-2", **who, **audience})
    events = ({"type": "track", "messageId": "example-3", **who, "event": each} for each in _events(sync))
    return [*calls, *events]


_FORMS: Mapping[str, Callable[[Sync], Any]] = {
    "native": _native,
    "hull": _hull,
    "lytics": _lytics,
    "segment": _segment_spec,
}


def _user(sync: Sync) -> dict[str, Any]:
    """Returns everything about the user that the settings send, under the names that upstream has for it."""
    said = {
        attribute_names.bare(each.source): _value(each)
        for each in sync.attributes
        if each.source not in (attribute_names.EVERYTHING, attribute_names.ACCOUNT)
        and attribute_names.of_account(each.source) is None
    }
    identifier = _EMAIL if sync.identify_by == "email" else _ID
    return {"id": _KEY, "email": _EMAIL, **said, **({} if sync.identifier == "id" else {sync.identifier: identifier})}


def _account(sync: Sync) -> dict[str, Any]:
    names = ((each, attribute_names.of_account(each.source)) for each in sync.attributes)
    return {name: _value(each) for each, name in names if name is not None}


def _value(attribute: Attribute) -> Any:
    steps = [each for each in attribute.transform if isinstance(each, str)]
    words = re.split(r"[^a-z]+", attribute.source.lower())
    found = [_BY_STEP[each] for each in steps if each in _BY_STEP]
    found += [_BY_WORD[each] for each in reversed(words) if each in _BY_WORD]
    return found[0] if found else "Example"


def _segment(sync: Sync) -> str:
    """Returns the name of a segment whose people are in the audience; "Everybody" where that is everybody."""
    return next((each for each in sync.segments if each != "*"), "Everybody")


def _events(sync: Sync) -> list[str]:
    """Returns the name of the first event that is sent, if there is one, page and screen views aside."""
    return [each.name for each in sync.events if each.name not in _KINDS][:1]


def _with(name: str, value: Any) -> dict[str, Any]:
    return {name: value} if value else {}
