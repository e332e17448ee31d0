"""Messages that name somebody by a placeholder: "undefined" as an id would make everybody one person."""

from dataclasses import replace

from connector.model.change import Change, Event, ObjectChange, Relationship
from connector.model.identifiers import VISITOR, is_placeholder

_KINDS = ("external_id:", VISITOR)


def fault(message: Change | ObjectChange, placeholders: frozenset[str]) -> str | None:
    """Returns why a message is refused: its user, or its object, is named by a placeholder. None where it is not."""
    if isinstance(message, ObjectChange):
        return _reason("the object's id", message.id) if is_placeholder(message.id, placeholders) else None
    own = _own(message.key)
    if is_placeholder(own, placeholders):
        return _reason("the user's id", own)
    if message.merged_into is not None and is_placeholder(_own(message.merged_into), placeholders):
        return _reason("the id of the user who goes on", _own(message.merged_into))
    return None


def without(change: Change, placeholders: frozenset[str]) -> Change:
    """Returns the change without visitors and objects named by placeholders; `left_out` says so."""
    visitors = {each.anonymous_id for each in change.events if each.anonymous_id}
    if change.anonymous_id:
        visitors.add(change.anonymous_id)
    if not (visitors or change.relationships or change.objects):
        return change
    named = [("the anonymous id", each) for each in sorted(visitors)]
    named += [("an object's id", each.id) for each in change.relationships or ()]
    named += [("an object's id", each.id) for each in change.objects]
    lost = [(what, id) for what, id in dict.fromkeys(named) if is_placeholder(id, placeholders)]
    if not lost:
        return change
    gone = {id for _, id in lost}
    return replace(
        change,
        anonymous_id=None if change.anonymous_id in gone else change.anonymous_id,
        events=tuple(_event(each, gone) for each in change.events),
        relationships=_usable(change.relationships, gone),
        objects=tuple(each for each in change.objects if each.id not in gone),
        left_out=(*change.left_out, *(f"{_reason(what, id)}: it is left out" for what, id in lost)),
    )


def _usable(given: tuple[Relationship, ...] | None, gone: set[str]) -> tuple[Relationship, ...] | None:
    return None if given is None else tuple(each for each in given if each.id not in gone)


def _event(event: Event, gone: set[str]) -> Event:
    return replace(event, anonymous_id=None) if event.anonymous_id in gone else event


def _own(key: str) -> str:
    """Returns the id in a key."""
    return next((key.removeprefix(kind) for kind in _KINDS if key.startswith(kind)), key)


def _reason(what: str, id: str) -> str:
    return f"{what} is {id!r}, a placeholder that many may have ([intake] placeholders)"
