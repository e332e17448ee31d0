"""Lytics' audience triggers, as its webhook jobs post them: somebody entered an audience, left it, or changed.

A message is `data` (the user's fields), `meta`, and often an `id` of its own. Lytics documents `data` and the list
`segment_events` in it; `meta` is not documented whole, and a customer's template may shape the body. So what happened
is taken from where it is commonly said: `segment_events` (in `data`, `meta` or the message), else `event` or
`audience_event` (in `meta` or the message) with the audience beside it. A CloudEvents envelope is opened. The format
that Lytics calls the old one, without `data`, is not read.

An audience is known by its slug, since lists of audiences hold slugs; else by its name, else by its id.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from connector.errors import UnreadableError
from connector.formats import other_forms
from connector.formats.events import id_of
from connector.formats.reading import attempt_each, object_in, segment, shown, unique, unkept, unread_time, word
from connector.formats.user_key import user_key, visitor
from connector.model import times as moment
from connector.model.change import Change, Message, Segment

Happened = Literal["enter", "exit", "update"]

_WORDS: Mapping[str, Happened] = {
    **dict.fromkeys(("enter", "entered", "entrance"), "enter"),
    **dict.fromkeys(("exit", "exited", "left", "leave"), "exit"),
    **dict.fromkeys(("update", "updated", "change", "changed"), "update"),
}
_MEMBERSHIPS = ("segments_all", "segments")
_TIMES = ("timestamp", "time", "ts")
_SECOND = 1_000_000
_NANOSECONDS_FROM = 10**17
_LAST_NANOSECOND = 10**19


class _Trigger(NamedTuple):
    """What happened, to the membership of which audience (None for an update), and when (microseconds)."""

    happened: Happened
    audience: Segment | None
    at: int | None


def parse(body: object) -> list[Message]:
    """Returns the changes of one message, or of a list of them."""
    return attempt_each(_message, body, "the body is neither a message of Lytics nor a list of them")


def _message(message: object) -> list[Message]:
    if not isinstance(message, dict):
        raise UnreadableError("the message is not an object")
    message = _opened(message)
    if "data" not in message and "meta" not in message:
        other_forms.refuse(message, "lytics")
        raise UnreadableError('the message has neither "data" nor "meta"')
    places = (object_in(message, "meta"), message, object_in(message, "data"))
    user, whole = _user(*places)
    triggers = list(_triggers(*places))
    entered, left = _difference(triggers)
    segments = _membership(places, entered, left)
    anonymous_id = visitor(user)
    change = Change(
        key=_key(user, anonymous_id),
        user=user,
        whole=whole,
        segments=segments,
        entered=entered if segments is None else (),
        left=left if segments is None else (),
        version=_version(places, triggers),
        anonymous_id=anonymous_id,
        message_id=id_of(message.get("id")),
        left_out=(*unkept(id=message.get("id"), anonymous_id=user.get("anonymous_id")), *_unread_times(places)),
    )
    return [change]


def _unread_times(places: tuple[Mapping[str, Any], ...]) -> Iterator[str]:
    """Yields a problem for each field of a time that holds none."""
    meta, message, fields = places
    given = [(name, place.get(name)) for place in (meta, message) for name in _TIMES]
    for name, value in (*given, ("_modified", fields.get("_modified"))):
        if value is not None and _microseconds(value) is None:
            yield unread_time(name)


def _difference(triggers: list[_Trigger]) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Returns the audiences entered and left; of two words on one audience the later one counts."""
    last = {each.audience.key: each for each in triggers if each.audience}
    return _those(last.values(), "enter"), _those(last.values(), "exit")


def _those(triggers: Iterable[_Trigger], happened: Happened) -> tuple[Segment, ...]:
    return tuple(each.audience for each in triggers if each.audience and each.happened == happened)


def _opened(message: dict[str, Any]) -> dict[str, Any]:
    """Returns the message inside a CloudEvents envelope, or the message itself."""
    inner = message.get("data")
    return inner if "specversion" in message and isinstance(inner, dict) and "data" in inner else message


def _user(
    meta: Mapping[str, Any], message: Mapping[str, Any], fields: Mapping[str, Any]
) -> tuple[Mapping[str, Any], bool]:
    """Returns the user's fields, and whether they are all: a job sends all, a message without any says nothing."""
    if fields:
        return fields, True
    named = meta.get("user") or message.get("user")
    return (named if isinstance(named, dict) else {}), False


def _key(user: Mapping[str, Any], anonymous_id: str | None) -> str:
    """Returns the key as every format has it; `user_id`, which Lytics' own schema has, counts as an external id."""
    external = user.get("external_id") or user.get("user_id")
    return user_key({"id": user.get("id"), "external_id": external, "email": user.get("email")}, anonymous_id)


def _triggers(meta: Mapping[str, Any], message: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[_Trigger]:
    """Yields what the message says happened, in its order."""
    listed = next((found for place in (meta, message, fields) if (found := place.get("segment_events"))), None)
    if isinstance(listed, list):
        yield from map(_listed, listed)
        return
    for place in (meta, message):
        given = place.get("audience_event") or place.get("event")
        if given is not None:
            yield _trigger(given, _named_beside(place), None)
            return


def _listed(entry: object) -> _Trigger:
    if not isinstance(entry, dict):
        raise UnreadableError("a segment event is not an object")
    happened = _happened(entry.get("event"))
    return _trigger(happened, _named(entry), _microseconds(entry.get(happened)))


def _trigger(given: object, audience: Segment | None, at: int | None) -> _Trigger:
    happened = _happened(given)
    if happened == "update":
        return _Trigger(happened, None, at)
    if audience is None:
        raise UnreadableError("the message does not say which audience the user entered or left")
    return _Trigger(happened, audience, at)


def _happened(given: object) -> Happened:
    found = _WORDS.get(given.strip().lower()) if isinstance(given, str) else None
    if found is None:
        raise UnreadableError(f"the event {shown(given)} is none of enter, exit, update")
    return found


def _named_beside(place: Mapping[str, Any]) -> Segment | None:
    """Returns the audience beside an event: an object or a text, or its slug, name or id under a name of its own."""
    for field in ("audience", "segment"):
        given = place.get(field)
        if isinstance(given, dict):
            return _named(given)
        apart = {part: place.get(f"{field}_{part}") for part in ("slug", "name", "id")}
        if (found := _named({**apart, "slug": given or apart["slug"]})) is not None:
            return found
    return _named({"slug": place.get("slug"), "name": place.get("name")})


def _named(given: Mapping[str, Any]) -> Segment | None:
    slug, name, id = (word(given.get(field)) for field in ("slug", "name", "id"))
    key = slug or name or id
    return None if key is None else segment(key, name or key)


def _membership(
    places: tuple[Mapping[str, Any], ...], entered: tuple[Segment, ...], left: tuple[Segment, ...]
) -> tuple[Segment, ...] | None:
    """Returns all audiences the user is in, where the message lists them; None where it does not.

    Of the audience it is about, the event is believed: the list may be from a moment before.
    """
    given = next((place[field] for place in places for field in _MEMBERSHIPS if place.get(field) is not None), None)
    if given is None:
        return None
    if not isinstance(given, list):
        raise UnreadableError("the audiences of the user are not a list")
    gone = {each.key for each in left}
    return tuple(each for each in unique([*map(_member, given), *entered]) if each.key not in gone)


def _member(entry: object) -> Segment:
    """Reads an audience. One that cannot be read refuses the message: to leave it out could take a person out."""
    found = _named(entry if isinstance(entry, dict) else {"slug": entry})
    if found is None:
        raise UnreadableError("an audience of the user has no slug, name or id")
    return found


def _version(places: tuple[Mapping[str, Any], ...], triggers: list[_Trigger]) -> int | None:
    """Returns the message's own time; without one, the latest of what happened and of the user's `_modified`."""
    meta, message, fields = places
    given = (_microseconds(place.get(field)) for place in (meta, message) for field in _TIMES)
    own = next((at for at in given if at is not None), None)
    if own is not None:
        return own
    times = [at for at in (*(each.at for each in triggers), _microseconds(fields.get("_modified"))) if at is not None]
    return max(times, default=None)


def _microseconds(value: object) -> int | None:
    """Returns microseconds since 1970 of ISO text, or of a number of seconds up to nanoseconds, told apart by size."""
    if isinstance(value, str):
        return moment.version(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LAST_NANOSECOND:
        return None
    if value < moment.MILLISECONDS_FROM:
        return round(value * _SECOND)
    if value < moment.MICROSECONDS_FROM:
        return round(value * 1000)
    return round(value) if value < _NANOSECONDS_FROM else round(value) // 1000
