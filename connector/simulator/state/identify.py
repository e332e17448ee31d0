"""Identify: the person a call means, identifiers they may get, what is written (docs/customerio.md#identity)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from connector.simulator.state.anonymous import can_trigger
from connector.simulator.state.attributes import write
from connector.simulator.state.merging import combine
from connector.simulator.state.people import SimulatedPerson
from connector.simulator.state.relationships import relate
from connector.simulator.state.state import SimulatedState, named

_CONTROL = frozenset({"_timestamp", "_update", "cio_id", "_created_in_customerio_at", "timezone_valid"})
_SPECIAL = {
    "email_or_id": _CONTROL | {"id", "email", "phone", "anonymous_id"},
    "id_only": _CONTROL | {"id", "anonymous_id"},
}


class IdentifyCall(NamedTuple):
    """An identify as it is read: the name it came under, the names it claims, the attributes it writes."""

    kind: str
    value: str
    claims: Mapping[str, Any]
    attributes: Mapping[str, Any]
    at: float
    dated: bool
    only_update: bool

    @property
    def names(self) -> list[tuple[str, str]]:
        """Every identifier the call names."""
        claimed = [(kind, str(value)) for kind, value in self.claims.items() if value is not None]
        return [(self.kind, self.value), *claimed]


def identify(state: SimulatedState, item: Mapping[str, Any], now: float) -> None:
    """Creates or updates a person, unless a name is suppressed; every refusal is an entry in the log, not an answer."""
    call = _read(state, item, now)
    if len(state.suppressed) and state.suppressed.blocks(call.names):
        return state.log.write("suppressed", now, dict(call.names), {"by": "identify"})
    person = _match(state, call, now)
    if person is None:
        return None
    person = _claim(state, person, call, now)
    attributes = call.attributes
    if "phone" in attributes or "anonymous_id" in attributes:
        attributes = _shared_names(state, person, attributes, now)
    stale = write(person, attributes, call.at, call.dated)
    if stale:
        state.log.write("skipped_update", now, person.identifiers, {"attributes": stale, "timestamp": call.at})
    if item.get("cio_relationships"):
        relate(state, person, item["cio_relationships"])
    return None


def _read(state: SimulatedState, item: Mapping[str, Any], now: float) -> IdentifyCall:
    attributes = item.get("attributes") or {}
    kind, value = named(item["identifiers"])
    timestamp = item.get("timestamp")
    if _SPECIAL[state.options.mode].isdisjoint(attributes):
        return IdentifyCall(kind, value, {}, attributes, _or(timestamp, int(now)), timestamp is not None, False)
    timestamp = _or(timestamp, attributes.get("_timestamp"))
    kinds = ("id", "email") if state.options.mode == "email_or_id" else ("id",)
    claims = {claimed: attributes[claimed] for claimed in kinds if claimed in attributes}
    rest = dict(attributes)
    for name in (*_CONTROL, *claims):
        rest.pop(name, None)
    if kind == "anonymous_id":
        kind, value, claims, rest = _named_by_claims(value, claims, rest)
    only_update = attributes.get("_update") is True
    return IdentifyCall(kind, value, claims, rest, _or(timestamp, int(now)), timestamp is not None, only_update)


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _named_by_claims(
    anonymous_id: str, claims: dict[str, Any], rest: dict[str, Any]
) -> tuple[str, str, dict[str, Any], dict[str, Any]]:
    """An identify under an anonymous_id means the person its attributes name, who then owns the anonymous_id."""
    for kind, value in claims.items():
        if value not in (None, ""):
            return kind, str(value), claims, {**rest, "anonymous_id": anonymous_id}
    return "anonymous_id", anonymous_id, claims, rest


def _match(state: SimulatedState, call: IdentifyCall, now: float) -> SimulatedPerson | None:
    """Returns the person of the call: found by its name, by a claimed one (who gets the call's name), or new."""
    if call.kind == "anonymous_id":
        return state.anonymous.owner(call.value) or _refused(state, call, now, "nobody has this anonymous_id yet")
    person = state.people.find(call.kind, call.value)
    if person is not None:
        return person
    if call.kind == "cio_id":
        return _refused(state, call, now, "no person has this cio_id")
    for kind, value in call.claims.items():
        owner = state.people.find(kind, str(value)) if value is not None else None
        if owner is not None:
            state.people.give(owner, call.kind, call.value)
            state.counts["rekeyed"] += 1
            return owner
    if call.only_update:
        return _refused(state, call, now, "_update, and nobody matches")
    return state.arrive(call.kind, call.value, now, "identify")


def _refused(state: SimulatedState, call: IdentifyCall, now: float, reason: str) -> SimulatedPerson | None:
    """Writes an entry that says why, and returns None."""
    state.log.write("failed_attribute_change", now, {call.kind: call.value}, {"reason": reason})
    return None


def _claim(state: SimulatedState, person: SimulatedPerson, call: IdentifyCall, now: float) -> SimulatedPerson:
    """Gives the person the identifiers that the call claims. Returns the person that remains: two may become one."""
    for kind, value in call.claims.items():
        text = "" if value is None else str(value)
        owner = state.people.find(kind, text) if text else None
        if owner is None:
            changeable = call.kind == "cio_id" or (kind == "email" and state.options.email_change_by_id)
            _rename(state, person, (kind, text), changeable, now)
        elif owner is not person and _may_merge(state, person, owner, call.kind, kind):
            older, younger = sorted((person, owner), key=lambda one: one.number)
            combine(state, older, younger, now)
            person = older
        elif owner is not person:
            _log_failed(state, person, (kind, value), now, "belongs to another person")
    return person


def _rename(
    state: SimulatedState, person: SimulatedPerson, name: tuple[str, str], changeable: bool, now: float
) -> None:
    """Gives a name nobody has: free if the person has none of the kind; a change takes the cio_id, or the setting."""
    kind, value = name
    if person.identifiers[kind] is not None and not changeable:
        _log_failed(state, person, name, now, "is set and changes only through cio_id")
    elif value:
        state.people.give(person, kind, value)
    else:
        state.people.take(person, kind)


def _may_merge(state: SimulatedState, person: SimulatedPerson, other: SimulatedPerson, kind: str, claimed: str) -> bool:
    """Auto-merge: one has an id and no email, the other an email and no id (docs/customerio.md#identity)."""
    complete = {kind, claimed} == {"id", "email"}
    apart = complete and person.identifiers[claimed] is None and other.identifiers[kind] is None
    return state.options.auto_merge and apart


def _shared_names(
    state: SimulatedState, person: SimulatedPerson, attributes: Mapping[str, Any], now: float
) -> Mapping[str, Any]:
    """A phone number finds the first person who has it; an anonymous_id belongs to one person only."""
    if "phone" in attributes and "phone" in state.options.kinds:
        _take_phone(state, person, attributes["phone"])
    if "anonymous_id" not in attributes:
        return attributes
    anonymous_id = attributes["anonymous_id"]
    if not isinstance(anonymous_id, str) or not anonymous_id:
        state.anonymous.pass_on(person)
        return attributes
    if state.anonymous.owner(anonymous_id) not in (None, person):
        _log_failed(state, person, ("anonymous_id", anonymous_id), now, "belongs to another person")
        return {name: value for name, value in attributes.items() if name != "anonymous_id"}
    _adopt(state, person, anonymous_id, now)
    return attributes


def _take_phone(state: SimulatedState, person: SimulatedPerson, phone: Any) -> None:
    owner = state.people.find("phone", phone) if isinstance(phone, str) else None
    if owner is None and isinstance(phone, str) and phone:
        state.people.give(person, "phone", phone)
    elif owner is not person:
        state.people.take(person, "phone")


def _adopt(state: SimulatedState, person: SimulatedPerson, anonymous_id: str, now: float) -> None:
    if person.attributes.get("anonymous_id") != anonymous_id:
        state.anonymous.pass_on(person)
    events = state.anonymous.claim(anonymous_id, person, now)
    state.objects.claim(anonymous_id, person)
    person.events.extend(events)
    if events:
        fresh = sum(can_trigger(event, now) for event in events)
        detail = {"anonymous_id": anonymous_id, "events": len(events), "events_that_can_trigger": fresh}
        state.log.write("anon_merge", now, person.identifiers, detail)


def _log_failed(state: SimulatedState, person: SimulatedPerson, name: tuple[str, Any], now: float, reason: str) -> None:
    detail = {"attribute": name[0], "value": name[1], "reason": reason}
    state.log.write("failed_attribute_change", now, person.identifiers, detail)
