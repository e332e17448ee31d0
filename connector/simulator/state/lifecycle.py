"""Deleting, suppressing and freeing people, and their devices and segments (docs/customerio.md#delete-and-suppress)."""

from collections.abc import Mapping
from typing import Any

from connector.simulator.state.state import SimulatedState, named

_Item = Mapping[str, Any]


def delete(state: SimulatedState, item: _Item, now: float) -> None:
    """Deletes a person; a missing one is as good as deleted."""
    person = state.people.find(*named(item["identifiers"]))
    if person is not None:
        state.forget(person)
        state.counts["deleted"] += 1
        state.log.write("profile_delete", now, person.identifiers, {"by": "delete"})


def suppress(state: SimulatedState, item: _Item, now: float) -> None:
    """Deletes the person and blocks every identifier they had."""
    kind, value = named(item["identifiers"])
    person = state.people.find(kind, value)
    if person is None:
        return state.suppressed.block([(kind, value)])
    state.forget(person)
    state.counts["deleted"] += 1
    state.suppressed.block([(held, name) for held, name in person.identifiers.items() if name is not None])
    return state.log.write("profile_delete", now, person.identifiers, {"by": "suppress"})


def unsuppress(state: SimulatedState, item: _Item, _now: float) -> None:
    """Frees the identifiers that were blocked together; nothing is restored."""
    state.suppressed.free(named(item["identifiers"]))


def add_device(state: SimulatedState, item: _Item, now: float) -> None:
    """Adds a device, or updates the one of this token."""
    person = state.reach(item["identifiers"], now, "add_device")
    if person is None:
        return
    device = dict(item["device"])
    token = device.pop("token")
    held = person.devices.get(token, {})
    attributes = {**held.get("attributes", {}), **(device.get("attributes") or {})}
    person.devices[token] = {**held, **device, "attributes": attributes}


def delete_device(state: SimulatedState, item: _Item, _now: float) -> None:
    """Deletes a device, if there is one."""
    person = state.people.find(*named(item["identifiers"]))
    if person is not None:
        person.devices.pop(item["device"]["token"], None)


def add_to_segment(state: SimulatedState, item: _Item, now: float) -> None:
    """Puts known people into a manual segment; unknown ids are ignored, and nobody is made."""
    for value in item["ids"]:
        person = state.people.find(item["id_type"], value)
        if person is not None:
            state.memberships.add(item["segment_id"], person)
        else:
            state.log.write("unknown_member", now, {item["id_type"]: value}, {"segment_id": item["segment_id"]})


def remove_from_segment(state: SimulatedState, item: _Item, _now: float) -> None:
    """Takes people out of a manual segment; unknown ids are ignored."""
    for value in item["ids"]:
        person = state.people.find(item["id_type"], value)
        if person is not None:
            state.memberships.remove(item["segment_id"], person)


def metric(state: SimulatedState, _item: _Item, _now: float) -> None:
    """Counts a delivery's metric: the simulator sends nothing, so there is nothing to attach it to."""
    state.counts["metrics"] += 1
