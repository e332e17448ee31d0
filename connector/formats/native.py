"""The connector's own form, for upstreams that write their own messages (docs/messages.md, docs/native.schema.json).

It is strict, since its writers can correct themselves: a field it does not know is refused, so that a typo is seen and
not silently lost. A field that is null counts as not given.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.errors import UnreadableError
from connector.formats import devices, merged_users, native_objects, other_forms
from connector.formats.events import gather, id_of, name_of, properties_of
from connector.formats.reading import attempt_each, known, object_in, object_of, segments_of, text_in, unkept
from connector.formats.user_key import user_key, visitor
from connector.model import times
from connector.model.attribute_names import TOPIC
from connector.model.change import Change, Device, Event, EventKind, Message, Original, Segment

FIELDS = (
    "object",
    "user",
    "account",
    "segments",
    "entered",
    "left",
    "events",
    "devices",
    "relationships",
    "version",
    "whole",
    "message_id",
    "deleted",
    "suppressed",
    "merges",
    "topics",
)
DEVICE_FIELDS = ("token", "platform", "last_used", "attributes", "deleted")
EVENT_FIELDS = ("name", "id", "type", "time", "properties", "anonymous_id")
KINDS: tuple[EventKind, ...] = ("event", "page", "screen")


def parse(body: object) -> list[Message]:
    """Returns the changes of one message, or of a list of them."""
    return attempt_each(_message, body, "the body is neither an object nor a list of objects")


def _message(message: object) -> list[Message]:
    if not isinstance(message, dict):
        raise UnreadableError("the message is not an object")
    other_forms.refuse(message, "native")
    if message.get("object") is not None:
        return _about_object(message)
    known(message, FIELDS, "the message")
    user = _with_topics(object_in(message, "user"), message.get("topics"))
    anonymous_id = visitor(user)
    segments, entered, left = (_segments(message, field) for field in ("segments", "entered", "left"))
    _agree(segments, entered or (), left or ())
    events, refused = gather(message.get("events"), _event)
    change = Change(
        key=user_key(user, anonymous_id),
        user=user,
        account=object_in(message, "account"),
        whole=_flag(message, "whole"),
        segments=segments,
        entered=entered or (),
        left=left or (),
        events=events,
        version=_version(message.get("version")),
        anonymous_id=anonymous_id,
        message_id=_id(message, "message_id", "the message"),
        devices=_devices(message.get("devices")),
        deleted=_flag(message, "deleted"),
        suppressed=None if message.get("suppressed") is None else _flag(message, "suppressed"),
        relationships=native_objects.of_user(message.get("relationships")),
        left_out=unkept(anonymous_id=user.get("anonymous_id"), anonymous_ids=user.get("anonymous_ids")),
    )
    return [*_with_merged(change, message), *refused]


def _about_object(message: Mapping[str, Any]) -> list[Message]:
    version, whole = _version(message.get("version")), _flag(message, "whole")
    return native_objects.read(message, version, whole=whole, message_id=_id(message, "message_id", "the message"))


def _segments(message: Mapping[str, Any], field: str) -> tuple[Segment, ...] | None:
    given = message.get(field)
    if given is None:
        return None
    if not isinstance(given, list):
        raise UnreadableError(f'"{field}" is not a list')
    return segments_of(given, str)


def _agree(segments: tuple[Segment, ...] | None, entered: tuple[Segment, ...], left: tuple[Segment, ...]) -> None:
    """Raises UnreadableError if the membership is given twice, or as a difference that contradicts itself."""
    if not (entered or left):
        return
    if segments is not None:
        raise UnreadableError('"segments" is the whole membership: "entered" and "left" cannot stand beside it')
    if {segment.key for segment in entered} & {segment.key for segment in left}:
        raise UnreadableError('a segment is in both "entered" and "left"')


def _flag(message: Mapping[str, Any], field: str) -> bool:
    value = message.get(field)
    if not isinstance(value, bool | None):
        raise UnreadableError(f'"{field}" is neither true nor false')
    return bool(value)


def _with_merged(change: Change, message: Mapping[str, Any]) -> list[Change]:
    given = message.get("merges")
    if given is None:
        return [change]
    if not isinstance(given, list) or len(given) > merged_users.MOST:
        raise UnreadableError(f'"merges" is not a list of at most {merged_users.MOST}')
    whole = replace(change, original=Original("native", message))
    return merged_users.with_merged(whole, map(merged_users.other, given))


def _with_topics(user: Mapping[str, Any], given: object) -> Mapping[str, Any]:
    """Returns the user, with each topic as the attribute that changes it alone."""
    if given is None:
        return user
    topics = object_of(given, '"topics" is')
    if not all(isinstance(each, bool | None) for each in topics.values()):
        raise UnreadableError('"topics" is not an object of topics, each true or false')
    return {**user, **{f"{TOPIC}{name}": value for name, value in topics.items()}}


def _version(value: object) -> int | None:
    version = times.version(value)
    if version is None and value is not None:
        raise UnreadableError('"version" is neither a 64-bit integer nor an ISO 8601 time')
    return version


def _id(given: Mapping[str, Any], field: str, whose: str) -> str | None:
    text = id_of(given.get(field))
    if text is None and given.get(field) is not None:
        raise UnreadableError(f'the "{field}" of {whose} is neither a text nor an integer')
    return text


def _devices(given: object) -> tuple[Device, ...] | None:
    """Reads the devices. One that cannot be read refuses the message: left out of a whole list, it would be removed."""
    if given is None:
        return None
    if not isinstance(given, list) or len(given) > devices.MOST:
        raise UnreadableError(f'"devices" is not a list of at most {devices.MOST}')
    return tuple(map(_device, given))


def _device(given: object) -> Device:
    if not isinstance(given, dict):
        raise UnreadableError("a device is not an object")
    known(given, DEVICE_FIELDS, "the device")
    if not isinstance(given.get("deleted"), bool | None):
        raise UnreadableError('"deleted" of a device is neither true nor false')
    if given.get("deleted"):
        return devices.gone(given.get("token"))
    told = (given.get(name) for name in ("token", "platform", "last_used", "attributes"))
    return devices.device(*told)


def _event(given: Mapping[str, Any]) -> Event:
    known(given, EVENT_FIELDS, "the event")
    kind = _kind(given.get("type"))
    properties = properties_of(given.get("properties"))
    return Event(
        id=_id(given, "id", "the event"),
        name=_name(given.get("name"), kind, properties),
        kind=kind,
        occurred_at=_time(given.get("time")),
        properties=properties,
        anonymous_id=_id(given, "anonymous_id", "the event"),
    )


def _kind(value: object) -> EventKind:
    for kind in KINDS:
        if value == kind:
            return kind
    if value is not None:
        raise UnreadableError(f'the "type" of the event is none of {", ".join(KINDS)}')
    return "event"


def _name(value: object, kind: EventKind, properties: Mapping[str, Any]) -> str:
    """Returns the name of an event; without one, a page is named by its URL and a screen by its name."""
    if value is not None or kind == "event":
        return name_of(value)
    return text_in(properties, "url" if kind == "page" else "name") or kind


def _time(value: object) -> int | None:
    seconds = times.seconds(value)
    if seconds is None and value is not None:
        raise UnreadableError('the "time" of the event is neither an ISO 8601 time nor unix seconds')
    return seconds
