"""Events, pages and screens, of known and of anonymous people (docs/customerio.md#events)."""

import re
from collections.abc import Mapping
from typing import Any

from connector.simulator.state.people import SimulatedEvent
from connector.simulator.state.state import SimulatedState, named

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE)


def is_ulid(event_id: Any) -> bool:
    """Says whether Customer.io takes the event id for de-duplication: 26 characters of Crockford's base 32."""
    return isinstance(event_id, str) and _ULID.fullmatch(event_id) is not None


def record(state: SimulatedState, item: Mapping[str, Any], now: float) -> None:
    """Records an event once: a ULID seen before in this workspace is accepted and ignored.

    An id that is no ULID, where it is accepted at all, de-duplicates nothing: what the real API does is not known.
    """
    event = _read(item, now)
    if event.id is not None and event.id.upper() in state.seen_events:
        return state.log.write("duplicate_event", now, _names(item), {"id": event.id, "name": event.name})
    if not _place(state, item, event, now):
        return None
    state.counts[event.type] += 1
    if is_ulid(event.id):
        state.seen_events.add(str(event.id).upper())
    return None


def _place(state: SimulatedState, item: Mapping[str, Any], event: SimulatedEvent, now: float) -> bool:
    identifiers = item["identifiers"]
    if not identifiers:
        state.anonymous.keep(None, event)
        return True
    kind, value = named(identifiers)
    if kind != "anonymous_id":
        person = state.reach(identifiers, now, event.type)
    else:
        person = state.anonymous.owner_for_events(value, now)
        if person is None:
            state.anonymous.keep(value, event)
            return True
    if person is not None:
        person.events.append(event)
    return person is not None


def _read(item: Mapping[str, Any], now: float) -> SimulatedEvent:
    timestamp = item.get("timestamp")
    at = int(now) if timestamp is None else timestamp
    return SimulatedEvent(item.get("id"), item["name"].strip(), item["action"], at, item.get("attributes") or {}, now)


def _names(item: Mapping[str, Any]) -> dict[str, str]:
    return dict([named(item["identifiers"])]) if item["identifiers"] else {}
