"""What every format reads the same way of events. A bad event costs neither the user nor the other events."""

from collections.abc import Callable, Mapping
from typing import Any

from connector.errors import UnreadableError
from connector.formats.reading import object_of, word
from connector.model import identifiers, times
from connector.model.bounds import storable
from connector.model.change import Event, Unreadable


def gather(given: object, read: Callable[[dict[str, Any]], Event]) -> tuple[tuple[Event, ...], list[Unreadable]]:
    """Returns the events that `read` makes of a list, and those it cannot read, with the reason."""
    if not given:
        return (), []
    if not isinstance(given, list):
        return (), [Unreadable("the events of the message are not a list", given)]
    events: list[Event] = []
    refused: list[Unreadable] = []
    for each in given:
        try:
            events.append(_read(each, read))
        except UnreadableError as error:
            refused.append(Unreadable(str(error), each))
    return tuple(events), refused


def _read(given: object, read: Callable[[dict[str, Any]], Event]) -> Event:
    if not isinstance(given, dict):
        raise UnreadableError("the event is not an object")
    return read(given)


def name_of(value: object) -> str:
    """Returns the name of an event, without the blanks around it."""
    if not isinstance(value, str) or not (name := value.strip()):
        raise UnreadableError("the event has no name")
    if not storable(name):
        raise UnreadableError("the event's name has NUL or broken Unicode")
    return name


def own_id(value: object) -> str | None:
    """Returns upstream's id of an event. One that cannot be kept refuses the event: it could be counted twice."""
    text = word(value)
    if text is not None and not storable(text):
        raise UnreadableError("the event's id has NUL or broken Unicode")
    return text


def time_of(value: object) -> int | None:
    """Returns when an event happened, in unix seconds; None where it does not say. What is no time refuses it."""
    seconds = times.seconds(value)
    if seconds is None and value is not None:
        raise UnreadableError("the time of the event is neither an ISO 8601 time nor unix seconds")
    return seconds


def id_of(value: object) -> str | None:
    """Returns the id of a message; None where there is none that can be kept."""
    text = word(value)
    return text if text is None or storable(text) else None


def visitor_id(value: object) -> str | None:
    """Returns the id of a visitor; None where there is none that can be kept."""
    text = identifiers.text(value)
    return text if text is None or storable(text) else None


def properties_of(value: object) -> Mapping[str, Any]:
    """Returns the properties of an event, {} where there are none."""
    return object_of(value, "the event's properties are")
