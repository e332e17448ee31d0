"""A person as JSON: what `connector show --json` prints, and what the text for people is made from."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.admin.person import calls, timeline
from connector.admin.person.gather import HeldNow, KnownPerson, PersonInSync
from connector.model.entity import Facts, Profile
from connector.planning.step import UNCERTAIN
from connector.store.person_rows import EventSummary
from connector.store.problems import Kept

UNKNOWN = "not known"
"""In place of a value that was sent and never confirmed."""


def as_json(person: KnownPerson) -> dict[str, Any]:
    """Returns the whole person as JSON. Times are unix seconds."""
    return {
        "user": person.user,
        "key": person.key,
        "syncs": [_in_sync(each) for each in person.syncs],
        "problems": [_problem(each) for each in person.problems],
        "profiles": [each.as_json() for each in person.profiles],
    }


def _in_sync(person: PersonInSync) -> dict[str, Any]:
    row, rules, wanted = person.row, person.rules, person.wanted
    return {
        "sync": row.sync,
        "connection": None if rules is None else rules.connection,
        "identifiers": [{each.type: each.value} for each in person.identifiers],
        "anonymous_ids": _anonymous_ids(row.entity.facts),
        "said": _said(row.entity.facts, row.updated_at),
        "standing": None if wanted is None else str(wanted.standing),
        "why": person.why,
        "waits": list(person.waits),
        "also_in": list(person.also_in),
        "reported": [each._asdict() for each in person.reported],
        "due_at": row.due_at,
        "should": None if wanted is None else profile(wanted.person),
        "confirmed": profile(row.entity.delivered),
        "held": None if person.held is None else _held(person.held),
        "events": {"counts": person.event_counts, "latest": [_event(each) for each in person.events]},
        "calls": [calls.as_json(each) for each in person.calls],
        "history": timeline.as_json(person.history),
    }


def _anonymous_ids(facts: Facts) -> list[str]:
    return [facts.lifecycle.anonymous_id] if facts.lifecycle.anonymous_id is not None else []


def _said(facts: Facts, updated_at: float) -> dict[str, Any]:
    present = facts.segments.values.values()
    return {
        "at": updated_at or None,
        "version": max(facts.newest(), facts.lifecycle.newest() or 0) or None,
        "identity": facts.identity.values,
        "attributes": facts.attributes.values,
        "segments": [name for name in present if name is not None],
    }


def profile(found: Profile | None) -> dict[str, Any] | None:
    """Returns a profile that Customer.io holds, or should hold, as JSON; None for nobody.

    A value that was sent and never confirmed is UNKNOWN.
    """
    if found is None:
        return None
    return {
        "identifier": {found.identifier.type: found.identifier.value},
        "attributes": _known(found.attributes),
        "devices": [token for token, device in found.devices.items() if device is not None],
        "relationships": [key for key, attributes in found.relationships.items() if attributes is not None],
        "suppressed": found.suppressed,
    }


def _known(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: UNKNOWN if value == UNCERTAIN else value for name, value in attributes.items()}


def _held(held: HeldNow) -> dict[str, Any]:
    return {"state": held.state, "attributes": held.attributes, "reason": held.reason}


def _event(event: EventSummary) -> dict[str, Any]:
    return event._asdict()


def _problem(kept: Kept) -> dict[str, Any]:
    problem = kept.problem
    said = {"id": kept.id, "sync": kept.sync, "kind": problem.kind, "reason": problem.reason}
    return {**said, "times": kept.count, "first_at": kept.first_at, "last_at": kept.last_at}


def side_by_side(person: Mapping[str, Any]) -> Iterable[tuple[str, Any, Any, Any]]:
    """Yields each attribute's name with what it should be, what was confirmed, and what Customer.io holds.

    None stands for no value. person: a sync's part of what `as_json` returns.
    """
    should, confirmed, held = ((person[name] or {}).get("attributes", {}) for name in ("should", "confirmed", "held"))
    for name in sorted({*should, *confirmed, *held}):
        yield name, should.get(name), confirmed.get(name), held.get(name)
