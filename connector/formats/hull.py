"""Hull's `user:update` notifications, as its smart notifier sends them (docs/hull.md).

Read: the current state of the user, the account, the segments the user is in now, the events. `changes` is not read:
it says only what moved, and the store knows that better.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

from connector.errors import UnreadableError
from connector.formats import other_forms
from connector.formats.events import gather, id_of, name_of, own_id, properties_of, time_of
from connector.formats.reading import (
    attempt,
    attempt_all,
    object_of,
    placed,
    segments_of,
    shown,
    text_in,
    unkept,
    unread_time,
    word,
)
from connector.formats.user_key import user_key, visitor
from connector.model import times
from connector.model.change import Change, Event, EventKind, Message, Segment

CHANNEL = "user:update"
_VISITORS = ("anonymous_id", "anonymous_ids")
_VERSIONS = ("indexed_at", "updated_at")


class _Envelope:
    """The part of a notification that stands around its messages."""

    def __init__(self, notification: Mapping[str, Any]) -> None:
        self._notification = notification
        self.id = id_of(notification.get("notification_id"))

    def segment_name(self, key: str) -> str:
        """Returns the name of the segment with this id, or the id where the notification does not list it."""
        return self._names.get(key, key)

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """The names of the segments by their ids, made only where messages carry ids without names."""
        return {
            key: name for field in ("users_segments", "segments") for key, name in _named(self._notification, field)
        }


def _named(notification: Mapping[str, Any], field: str) -> Iterator[tuple[str, str]]:
    listed = notification.get(field)
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and (key := word(entry.get("id"))) and (name := word(entry.get("name"))):
            yield key, name


def parse(body: object) -> list[Message]:
    """Returns the changes of a notification, of a message, or of a list of either."""
    if not isinstance(body, list):
        return _document(body)
    return attempt_all(_document, body)


def _document(body: object) -> list[Message]:
    if not isinstance(body, dict):
        raise UnreadableError("the body is neither a notification nor a message")
    if body.get("channel") not in (None, CHANNEL):
        raise UnreadableError(f"the channel {shown(body['channel'])} is not {CHANNEL}")
    if "messages" in body:
        return _notification(body)
    if "user" not in body:
        other_forms.refuse(body, "hull")
        raise UnreadableError("the body has neither messages nor a user")
    return attempt(partial(_message, _Envelope({}), 0), body)


def _notification(body: Mapping[str, Any]) -> list[Message]:
    messages = body["messages"]
    if not isinstance(messages, list):
        raise UnreadableError("the messages of the notification are not a list")
    envelope = _Envelope(body)
    answers: list[Message] = []
    for index, message in enumerate(messages):
        answers += placed(attempt(partial(_message, envelope, index), message), index)
    return answers


def _message(envelope: _Envelope, index: int, message: object) -> list[Message]:
    """Reads one change. `user` stays the object that came: it is large, and `mapping` finds attributes in any form."""
    if not isinstance(message, dict):
        raise UnreadableError("the message is not an object")
    other_forms.refuse(message, "hull")
    user = message.get("user")
    if not isinstance(user, dict):
        raise UnreadableError("the message names no user")
    anonymous_id = visitor(user)
    events, refused = gather(message.get("events"), _event)
    versions = [times.version(user.get(name)) for name in _VERSIONS]
    change = Change(
        key=user_key(user, anonymous_id),
        user=user,
        account=_account(message.get("account")),
        whole=True,
        segments=_segments(envelope, message, user),
        events=events,
        version=next((at for at in versions if at is not None), None),
        anonymous_id=anonymous_id,
        message_id=_message_id(envelope, index, message.get("message_id")),
        left_out=_left_out(user, message, versions),
    )
    return [change, *refused]


def _left_out(user: Mapping[str, Any], message: Mapping[str, Any], versions: Sequence[int | None]) -> tuple[str, ...]:
    """Returns the problems of what in a message says nothing, since it cannot be read."""
    given = {name: user[name] for name in _VISITORS if name in user}
    lost = unkept(message_id=message.get("message_id"), **given)
    for name, version in zip(_VERSIONS, versions, strict=True):
        if version is None and user.get(name) is not None:
            lost += (unread_time(name),)
    return lost


def _message_id(envelope: _Envelope, index: int, given: object) -> str | None:
    own = id_of(given) if isinstance(given, str) else None
    if own is not None:
        return own
    return None if envelope.id is None else f"{envelope.id}:{index}"


def _account(account: object) -> Mapping[str, Any]:
    """Returns the account, {} where there is none; anything but an object would read as "the account is gone"."""
    return object_of(account, "the account is")


def _segments(envelope: _Envelope, message: Mapping[str, Any], user: Mapping[str, Any]) -> tuple[Segment, ...]:
    """Returns the membership now. A message that does not give it is refused: to guess could delete a person."""
    if "segments" in message:
        given = message["segments"]
    else:
        own = message.get("segment_ids")
        given = user.get("segment_ids") if own is None else own
    if given is None:
        raise UnreadableError("the message does not say which segments the user is in")
    if not isinstance(given, list):
        raise UnreadableError("the segments of the message are not a list")
    return segments_of(given, envelope.segment_name)


def _event(given: Mapping[str, Any]) -> Event:
    """Reads one event. Two without an `event_id` stay two."""
    name = name_of(given.get("event"))
    properties = properties_of(given.get("properties"))
    kind: EventKind = "event"
    if name == "page":
        kind, name, properties = "page", *_page(properties, given.get("context"))
    elif name == "screen":
        kind, name = "screen", text_in(properties, "name") or "screen"
    return Event(
        id=own_id(given.get("event_id")),
        name=name,
        kind=kind,
        occurred_at=time_of(given.get("created_at")),
        properties=properties,
        anonymous_id=id_of(given.get("anonymous_id")),
    )


def _page(properties: Mapping[str, Any], context: object) -> tuple[str, Mapping[str, Any]]:
    """Returns the page's URL, and its properties with the referrer: both nested in `context` or flat in it."""
    nested = context if isinstance(context, dict) else {}
    url = text_in(properties, "url") or text_in(nested.get("page"), "url") or text_in(nested, "page_url")
    if text_in(properties, "referrer") is None:
        referrer = text_in(nested.get("referrer"), "url") or text_in(nested, "referrer_url")
        properties = {**properties, "referrer": referrer} if referrer else properties
    return url or "page", properties
