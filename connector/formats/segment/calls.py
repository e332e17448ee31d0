"""What each call of the Segment spec says of a user: identify, track, page, screen, group, alias and delete.

A call is a part, and says nothing of segments but for what `segment_audiences` finds in it. A group is the user's
account, as far as a user has one; where the settings say so it is an object too (`segment_objects`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from connector.model import times as moment
from connector.model.change import Change, Event, EventKind, Message, Unreadable
from connector.errors import UnreadableError
from connector.formats import segment_audiences, segment_devices, segment_objects
from connector.formats.events import id_of, name_of, properties_of
from connector.formats.merged_users import with_merged
from connector.formats.reading import object_in, storable, text_in, user_key, word

Fields = Mapping[str, Any]

SENT = "sentAt"
_USER_DELETED = "User Deleted"
_SUPPRESSING = {"User Suppressed": True, "User Unsuppressed": False}
_HAPPENED = ("timestamp", "originalTimestamp")
_UNIX = re.compile(r"[0-9]{1,17}")


def read(type: str, call: Fields) -> list[Message]:
    """What a call of one of `TYPES` tells of. Raises UnreadableError where it cannot be acted on.

    What it says of an object that cannot be is put aside: what it says of the user counts all the same.
    """
    told, refused = _objects(type, call)
    if told.alone and call.get("userId") is None and call.get("anonymousId") is None:
        return [*told.alone]  # an object that is deleted needs no user
    change = _READERS[type](call, object_in(call, "context"))
    if told.objects or told.relationships is not None:
        change = replace(change, objects=told.objects, relationships=told.relationships)
    return [*told.alone, change, *refused]


def _objects(type: str, call: Fields) -> tuple[segment_objects.Told, list[Message]]:
    try:
        return segment_objects.read(type, call, _time(call, *_HAPPENED, SENT)), []
    except UnreadableError as error:
        return segment_objects.Told(), [Unreadable(str(error), call)]


def _identify(call: Fields, context: Fields) -> Change:
    """Traits over `context.traits`, over what stands beside them in the call."""
    traits = object_in(call, "traits")
    change = _change(call, {**_beside(call, "created_at"), **object_in(context, "traits"), **traits})
    entered, left = segment_audiences.by_trait(context, traits)
    return replace(change, entered=entered, left=left)


def _track(call: Fields, context: Fields) -> Change:
    name = name_of(call.get("event"))
    if name == _USER_DELETED:
        return _delete(call, context)
    if name in _SUPPRESSING:
        return replace(_change(call, object_in(context, "traits")), suppressed=_SUPPRESSING[name])
    properties = properties_of(call.get("properties"))
    entered, left = segment_audiences.by_event(name, properties)
    change = _with_event(call, context, "event", name, properties)
    (event,) = change.events
    devices = segment_devices.by_event(name, properties, context, event.occurred_at)
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
    """The user's account; with the id of the group as its `id`."""
    group = word(call.get("groupId"))
    if group is None:
        raise UnreadableError("the group has no groupId")
    change = _change(call, object_in(context, "traits"))
    return replace(change, account={**object_in(call, "traits"), "id": group})


def _delete(call: Fields, _context: Fields) -> Change:
    """A call of the type `delete`, or the event of that name: the user is not there any more."""
    return replace(_change(call, {}), deleted=True)


def alias(call: Fields) -> list[Change]:
    """A call of the type `alias`: `previousId` turned out to be `userId`.

    Nothing tells whether `previousId` was a user or a visitor, but that it is the call's `anonymousId`. So it may be
    both: a user by that id goes on as this one, and a visitor by that id is theirs where the call names no other.
    """
    previous, own = word(call.get("previousId")), word(call.get("userId"))
    if previous is None or own is None:
        raise UnreadableError("the alias has no previousId, or no userId")
    # Who is who is not for actions to say: without its call the change passes by them.
    change = replace(_change(call, object_in(object_in(call, "context"), "traits")), call=None)
    if change.anonymous_id == previous:
        return [change]
    visitor = previous if storable(previous) else None
    return with_merged(replace(change, anonymous_id=change.anonymous_id or visitor), [{"id": previous}])


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
        occurred_at=occurred_at(call, change),
        properties=properties,
        anonymous_id=change.anonymous_id,
    )
    return replace(change, events=(event,))


def occurred_at(call: Fields, change: Change) -> int | None:
    """When a call's event happened, in unix seconds.

    When it was sent changes with each try, and would make one event two: not where it has an id.
    """
    at = _time(call, *_HAPPENED) if change.message_id else change.version
    return None if at is None else at // 1_000_000


def _change(call: Fields, traits: Fields) -> Change:
    anonymous_id = id_of(call.get("anonymousId"))
    user = user_of(call, traits, anonymous_id)
    own = {"id": word(call.get("userId")), "email": user.get("email")}
    return Change(
        key=user_key(own, anonymous_id),
        user=user,
        version=_time(call, *_HAPPENED, SENT),
        anonymous_id=anonymous_id,
        message_id=id_of(call.get("messageId")),
        call=call,
    )


def user_of(call: Fields, traits: Fields, anonymous_id: str | None) -> dict[str, Any]:
    """The traits, and who it is: `userId` as `id`, and as `external_id` for syncs that identify people by that."""
    user = {**_beside(call, "email"), **traits}
    if "createdAt" in user:
        user.setdefault("created_at", user["createdAt"])
    own = word(call.get("userId"))
    if own is not None:
        user = {"external_id": own, **user, "id": own}
    return user if anonymous_id is None else {**user, "anonymous_id": anonymous_id}


def _beside(call: Fields, name: str) -> Fields:
    """What may stand in the call itself; null there clears nothing, as it does among the traits."""
    return {} if call.get(name) is None else {name: call[name]}


def _time(call: Fields, *names: str) -> int | None:
    """Microseconds since 1970 of the first of the fields that holds a time."""
    times = (microseconds(call.get(name)) for name in names)
    return next((time for time in times if time is not None), None)


def microseconds(value: object) -> int | None:
    """A time given as ISO 8601 text, or as unix seconds, milliseconds or microseconds; None where it is none."""
    if isinstance(value, str):
        return _of_number(int(value)) if _UNIX.fullmatch(value) else moment.version(value)
    return _of_number(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _of_number(value: float) -> int | None:
    if not 0 <= value < 10**17:
        return None
    if value >= moment.MICROSECONDS_FROM:
        return int(value)
    return round(value * (1000 if value >= moment.MILLISECONDS_FROM else 1_000_000))
