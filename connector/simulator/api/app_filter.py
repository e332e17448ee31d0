"""The filter of a customer search: and, or, not, segment, attribute (docs/customerio.md#app-api)."""

from collections.abc import Callable
from typing import Any

from connector.errors import UnreadableError
from connector.simulator.state import view
from connector.simulator.state.people import SimulatedPerson
from connector.simulator.state.state import SimulatedState

Matches = Callable[[SimulatedState, SimulatedPerson], bool]


def parse(filter_: Any) -> Matches:
    """Returns the test a filter describes; UnreadableError says what it does not know."""
    if not isinstance(filter_, dict) or len(filter_) != 1:
        raise UnreadableError("filter must hold exactly one of and, or, not, segment, attribute")
    ((kind, value),) = filter_.items()
    reader = _READERS.get(kind)
    if reader is None:
        raise UnreadableError(f"filter does not know {kind!r}")
    return reader(value)


def _all(value: Any) -> Matches:
    matches = _several(value)
    return lambda state, person: all(match(state, person) for match in matches)


def _any(value: Any) -> Matches:
    matches = _several(value)
    return lambda state, person: any(match(state, person) for match in matches)


def _not(value: Any) -> Matches:
    match = parse(value)
    return lambda state, person: not match(state, person)


def _several(value: Any) -> list[Matches]:
    if not isinstance(value, list):
        raise UnreadableError("and, or take an array of filters")
    return [parse(one) for one in value]


def _segment(value: Any) -> Matches:
    segment_id = value.get("id") if isinstance(value, dict) else None
    if not isinstance(segment_id, int):
        raise UnreadableError("segment.id must be an integer")
    return lambda state, person: state.memberships.holds(segment_id, person)


def _attribute(value: Any) -> Matches:
    name = value.get("field") if isinstance(value, dict) else None
    if not isinstance(name, str) or value.get("operator") not in ("eq", "exists"):
        raise UnreadableError("attribute takes a field, and as operator eq or exists")
    if value["operator"] == "exists":
        return lambda _, person: name in view.attributes(person)
    wanted = view.as_text(value.get("value"))
    return lambda _, person: view.attributes(person).get(name) == wanted


_READERS: dict[str, Callable[[Any], Matches]] = {
    "and": _all,
    "or": _any,
    "not": _not,
    "segment": _segment,
    "attribute": _attribute,
}
