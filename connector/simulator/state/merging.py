"""Merging two people, by call or by itself (docs/customerio.md#merge)."""

from collections.abc import Mapping
from typing import Any

from connector.simulator.state.people import SimulatedPerson
from connector.simulator.state.state import SimulatedState, named

_HISTORY_SECONDS = 30 * 86400
_EMPTY: tuple[Any, ...] = (None, "")


def merge(state: SimulatedState, item: Mapping[str, Any], now: float) -> None:
    """Merges secondary into primary; where either is unknown nothing happens but an entry in the log."""
    primary = state.people.find(*named(item["primary"]))
    secondary = state.people.find(*named(item["secondary"]))
    if primary is None or secondary is None or primary is secondary:
        detail = {"primary": item["primary"], "secondary": item["secondary"], "reason": "not two known people"}
        state.log.write("failed_merge", now, primary.identifiers if primary else {}, detail)
        return
    combine(state, primary, secondary, now)


def combine(state: SimulatedState, primary: SimulatedPerson, secondary: SimulatedPerson, now: float) -> None:
    """Gives the primary person what they lack of the secondary one, who is deleted.

    Args:
        state: The workspace that both are in.
        primary: Who stays.
        secondary: Who is deleted. Their events of the last thirty days move over.
        now: Unix seconds.
    """
    was = dict(secondary.identifiers)
    state.forget(secondary, primary)
    for kind in ("id", "email", "phone"):
        value = was[kind]
        if primary.identifiers[kind] is None and value is not None:
            state.people.give(primary, kind, value)
    for name, value in secondary.attributes.items():
        if primary.attributes.get(name) in _EMPTY:
            primary.attributes[name] = value
            primary.timestamps[name] = secondary.timestamps[name]
    for token, device in secondary.devices.items():
        primary.devices.setdefault(token, device)
    moved = [event for event in secondary.events if now - event.timestamp <= _HISTORY_SECONDS]
    primary.events.extend(moved)
    state.counts["merged"] += 1
    state.log.write("profile_merge", now, primary.identifiers, {"secondary": was, "events": len(moved)})
