"""What each call of the Segment spec says about a user: identify, track, page, screen, group, alias and delete.

A call is a part. It says about segments only what `formats.segment.audiences` finds in it. A group is the user's
account; where the settings say so it is an object too (`formats.segment.objects`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from connector.errors import UnreadableError
from connector.formats.events import id_of, name_of, properties_of, visitor_id
from connector.formats.merged_users import with_merged
from connector.formats.reading import object_in, text_in, unkept, unread_time
from connector.formats.segment import audiences, objects, reports
from connector.formats.segment import devices as segment_devices
from connector.formats.user_key import user_key
from connector.model import identifiers, origin
from connector.model import times as moment
from connector.model.change import Change, Event, EventKind, Fields, Message, Original, Unreadable

SENT = "sentAt"
_USER_DELETED = "User Deleted"
_SUPPRESSING = {"User Suppressed": True, "User Unsuppressed": False}
_HAPPENED = ("timestamp", "originalTimestamp")
_DIGITS = re.compile(r"[0-9]+")


def read(type: str, call: Fields) -> list[Message]:
    """Returns the changes that a call of one of `TYPES` means. Raises UnreadableError where it cannot be acted on.

    An object that cannot exist is put aside as a problem. What the call says about the user still counts.
    """
    told, refused = _objects(type, call)
    if told.alone and call.get("userId") is None and call.get("anonymousId") is None:
        return [*told.alone]  # an object that is deleted needs no user
    context, left_out = _context(call)
    change = _READERS[type](call, context)
    if origin.is_marked(context):
        return [replace(change, echo=True)]
    if left_out:
        change = replace(change, left_out=(*change.left_out, *left_out))
    if told.objects or told.relationships is not None:
        change = replace(change, objects=told.objects, relationships=told.relationships)
    return [*told.alone, change, *refused]


def _context(call: Fields) -> tuple[Fields, tuple[str, ...]]:
    """Returns what stands around the call, and the problems of what is left out of it, being no object."""
    try:
        context = object_in(call, "context")
    except UnreadableError as error:
        return {}, (f"{error}: it is left out",)
    try:
        object_in(context, "traits")
    except UnreadableError as error:
        return {name: each for name, each in context.items() if name != "traits"}, (
            f'"context.{str(error)[1:]}: it is left out',
        )
    return context, ()


def _objects(type: str, call: Fields) -> tuple[objects.GroupFacts, list[Message]]:
    try:
        return objects.read(type, call, _time(call, *_HAPPENED, SENT)), []
    except UnreadableError as error:
        return objects.GroupFacts(), [Unreadable(str(error), call)]


def _identify(call: Fields, context: Fields) -> Change:
    """Reads an identify: the traits go over `context.traits`, and these over what stands in the call itself."""
    traits = object_in(call, "traits")
    change = _change(call, {**_beside(call, "created_at"), **object_in(context, "traits"), **traits})
    entered, left = audiences.by_trait(context, traits)
    return replace(change, entered=entered, left=left)


def _track(call: Fields, context: Fields) -> Change:
    name = name_of(call.get("event"))
    if name == _USER_DELETED:
        return _delete(call, context)
    if name in _SUPPRESSING:
        return replace(_change(call, object_in(context, "traits")), suppressed=_SUPPRESSING[name])
    properties = properties_of(call.get("properties"))
    entered, left = audiences.by_event(name, properties)
    change = _with_event(call, context, *reports.read(name, properties))
    (event,) = change.events
    try:
        devices = segment_devices.by_event(name, properties, context, event.occurred_at)
    except UnreadableError as error:
        change, devices = replace(change, left_out=(*change.left_out, f"{error}: the device is left out")), None
    return replace(change, entered=entered, left=left, devices=devices)


def _page(call: Fields, context: Fields) -> Change:
    properties = properties_of(call.get("properties"))
    url = text_in(properties, "url") or text_in(context.get("page"), "url")
    return _with_event(call, context, "page", text_in(call, "name") or url or "page", _with_category(call, properties))


def _screen(call: Fields, context: Fields) -> Change:
    properties = properties_of(call.get("properties"))
    return _with_event(call, context, "screen", text_in(call, "name") or "screen", _with_category(call, properties))


def _with_category(call: Fields, properties: Fields) -> Fields:
    category = text_in(call, "category")
    return properties if category is None or "category" in properties else {**properties, "category": category}


def _group(call: Fields, context: Fields) -> Change:
    """Reads the user's account, with the id of the group as its `id`."""
    group = identifiers.text(call.get("groupId"))
    if group is None:
        raise UnreadableError("the group has no groupId")
    change = _change(call, object_in(context, "traits"))
    return replace(change, account={**object_in(call, "traits"), "id": group})


def _delete(call: Fields, context: Fields) -> Change:
    """Reads a call of the type `delete`, or the event of that name: the user, named also by traits, is gone."""
    return replace(_change(call, object_in(context, "traits")), deleted=True)


def alias(call: Fields) -> list[Change]:
    """Reads a call of the type `alias`: `previousId` turned out to be `userId`.

    Only an `anonymousId` that equals it shows that `previousId` was a visitor. Otherwise it may be a user's id, or
    address, and if the call names no visitor also one of whom something was heard before: all these are merged.
    """
    previous, own = identifiers.text(call.get("previousId")), identifiers.text(call.get("userId"))
    if previous is None or own is None:
        raise UnreadableError("the alias has no previousId, or no userId")
    # An action cannot say who is who: actions leave a change without its call alone.
    context, left_out = _context(call)
    change = _change(call, object_in(context, "traits"))
    said = (*change.left_out, *left_out)
    change = replace(change, call=None, original=Original("segment", call), left_out=said)
    if previous in (change.anonymous_id, own):
        return [change]
    changes = with_merged(change, [{"id": previous, "external_id": previous}])
    if "@" in previous:
        changes += (replace(each, guess=True) for each in with_merged(change, [{"email": previous}])[1:])
    if change.anonymous_id is None:
        visitor = Change(key=user_key({}, previous), user={}, version=change.version, merged_into=change.key)
        changes.append(replace(visitor, guess=True, original=change.original))
    return changes


_EXTERNAL_ID = frozenset({"external_id"})

_READERS: Mapping[str, Callable[[Fields, Fields], Change]] = {
    "identify": _identify,
    "track": _track,
    "page": _page,
    "screen": _screen,
    "group": _group,
    "delete": _delete,
}
TYPES = tuple(_READERS)


def _with_event(call: Fields, context: Fields, kind: EventKind, name: str, properties: Fields) -> Change:
    change = _change(call, object_in(context, "traits"))
    event = Event(
        id=change.message_id,
        name=name,
        kind=kind,
        occurred_at=_happened(call, change),
        properties=properties,
        anonymous_id=change.anonymous_id,
    )
    return replace(change, events=(event,))


def occurred_at(call: Fields, change: Change) -> int | None:
    """Returns when a call's event happened, in unix seconds.

    If it has an id, the time at which it was sent does not count: that changes with each try.
    """
    at = _time(call, *_HAPPENED) if change.message_id else change.version
    return None if at is None else at // 1_000_000


def _happened(call: Fields, change: Change) -> int | None:
    """Returns the same for an event, and refuses one whose time cannot be read: it did not happen just now."""
    at = occurred_at(call, change)
    if at is None and _unread(call, *_HAPPENED):
        raise UnreadableError("the time of the event is neither an ISO 8601 time nor unix seconds")
    return at


def _change(call: Fields, traits: Fields) -> Change:
    anonymous_id = visitor_id(call.get("anonymousId"))
    user = user_of(call, traits, anonymous_id)
    own = {"id": call.get("userId"), "email": user.get("email")}
    return Change(
        key=user_key(own, anonymous_id),
        user=user,
        version=_time(call, *_HAPPENED, SENT),
        anonymous_id=anonymous_id,
        message_id=id_of(call.get("messageId")),
        call=call,
        presumed=presumed(call, traits),
        left_out=(
            *unkept(messageId=call.get("messageId"), anonymousId=call.get("anonymousId")),
            *map(unread_time, _unread(call, *_HAPPENED, SENT)),
        ),
    )


def user_of(call: Fields, traits: Fields, anonymous_id: str | None) -> dict[str, Any]:
    """Returns the traits and identifiers: `userId` as `id`, and as `external_id` for syncs that identify by that."""
    user = {**_beside(call, "email"), **traits}
    if "createdAt" in user:
        user.setdefault("created_at", user["createdAt"])
    own = identifiers.text(call.get("userId"))
    if own is not None:
        user = {**user, "id": own}
        if presumed(call, traits):
            user["external_id"] = own
    return user if anonymous_id is None else {**user, "anonymous_id": anonymous_id}


def presumed(call: Fields, traits: Fields) -> frozenset[str]:
    """Returns the identifiers that the traits do not give: a call without an `external_id` does not undo one said."""
    return _EXTERNAL_ID if call.get("userId") is not None and traits.get("external_id") is None else frozenset()


def _beside(call: Fields, name: str) -> Fields:
    """Returns what may stand in the call itself; null there clears nothing, as it does among the traits."""
    return {} if call.get(name) is None else {name: call[name]}


def _time(call: Fields, *names: str) -> int | None:
    """Returns the microseconds since 1970 of the first of the fields that holds a time."""
    times = (microseconds(call.get(name)) for name in names)
    return next((time for time in times if time is not None), None)


def _unread(call: Fields, *names: str) -> list[str]:
    """Returns those of the fields that hold something, and no time."""
    return [name for name in names if call.get(name) is not None and microseconds(call[name]) is None]


def microseconds(value: object) -> int | None:
    """Returns microseconds since 1970 of ISO 8601 text, or unix seconds, milliseconds or microseconds; else None."""
    if isinstance(value, str):
        value = moment.digits(value) if _DIGITS.fullmatch(value) else value
    if isinstance(value, str):
        return moment.version(value)
    return _of_number(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _of_number(value: float) -> int | None:
    if not 0 <= value < 10**17:
        return None
    if value >= moment.MICROSECONDS_FROM:
        return int(value)
    return round(value * (1000 if value >= moment.MILLISECONDS_FROM else 1_000_000))
