"""What becomes of a change whose user's row in the store cannot be read: it is kept as a problem, its neighbours go on.

To write over such a row would lose what upstream said before, that the user is suppressed for instance.
"""

from collections.abc import Callable, Mapping
from typing import Any

from connector.model.change import Change, Device, Event, ObjectChange, Relationship, Segment
from connector.model.problem import Problem

Mask = Callable[[Problem], Problem]
"""A function that takes out of a problem what it must not show."""
_FORM = "native"
_CALL = "segment"
_FIRST = "erase the row with `connector forget`, then `connector problems replay`"


def unmasked(problem: Problem) -> Problem:
    """Returns the problem as it is: it came by a way on which no secret goes."""
    return problem


def problem(change: Change, why: str) -> Problem:
    """Returns the problem for a change that was not taken in, with all that it says."""
    reason = f"{_reason('user', why)}: {_FIRST}"
    if change.original is not None:
        return Problem("unreadable", change.key, reason, dict(change.original.message), change.original.form)
    return Problem("unreadable", change.key, reason, native(change), _FORM)


def of_object(change: ObjectChange, why: str) -> Problem:
    """Returns the problem for a message about an object, in the same way."""
    return Problem("unreadable", change.key, _reason("object", why), native_object(change), _FORM)


def _reason(kind: str, why: str) -> str:
    return f"the store's row of the {kind} cannot be read ({why}), and the message was not taken in"


def as_said(message: Change | ObjectChange) -> Any:
    """Returns what upstream said: the call itself, where it was one, else a message of the native form.

    A message that several changes were read from is itself: a change alone does not say who was merged into whom.
    """
    if isinstance(message, ObjectChange):
        return native_object(message)
    if message.original is not None:
        return dict(message.original.message)
    return native(message) if message.call is None else dict(message.call)


def form_of(message: Change | ObjectChange) -> str:
    """Returns the form of what `as_said` gives."""
    if isinstance(message, Change) and message.original is not None:
        return message.original.form
    return _CALL if isinstance(message, Change) and message.call is not None else _FORM


def native(change: Change) -> dict[str, Any]:
    """Returns a change as a message of the native form, which is taken in as the change would have been."""
    lists: dict[str, Any] = {
        "segments": None if change.segments is None else list(map(_segment, change.segments)),
        "entered": list(map(_segment, change.entered)),
        "left": list(map(_segment, change.left)),
        "events": list(map(_event, change.events)),
        "devices": None if change.devices is None else list(map(_device, change.devices)),
        "relationships": None if change.relationships is None else list(map(_relationship, change.relationships)),
    }
    said = {name: value for name, value in lists.items() if value or (value == [] and name not in _PARTS)}
    one = {name: getattr(change, name) for name in ("version", "message_id", "suppressed")}
    flags = {name: True for name in ("whole", "deleted") if getattr(change, name)}
    return _given({"user": dict(change.user), "account": dict(change.account) or None, **one, **flags, **said})


def native_object(change: ObjectChange) -> dict[str, Any]:
    """Returns a change of an object as a message of the native form."""
    said = {"type": change.type, "id": change.id, "attributes": dict(change.attributes)}
    flags = {name: True for name in ("deleted", "left") if getattr(change, name)}
    return _given({"object": {**said, **flags}, "version": change.version, "whole": change.whole or None})


_PARTS = ("entered", "left", "events")


def _given(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}


def _segment(segment: Segment) -> dict[str, Any]:
    return {"id": segment.key, "name": segment.name}


def _event(event: Event) -> dict[str, Any]:
    said = {"id": event.id, "name": event.name, "type": event.kind, "time": event.occurred_at}
    return _given({**said, "properties": dict(event.properties), "anonymous_id": event.anonymous_id})


def _device(device: Device) -> dict[str, Any]:
    if device.gone:
        return {"token": device.token, "deleted": True}
    said = {"token": device.token, "platform": device.platform, "last_used": device.last_used}
    return _given({**said, "attributes": dict(device.attributes) or None})


def _relationship(told: Relationship) -> dict[str, Any]:
    said = {"type": told.type, "id": told.id, "deleted": told.gone or None}
    return _given({**said, "attributes": dict(told.attributes) or None})
