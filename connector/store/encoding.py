"""Values as JSON text and back. The text is compact: a store of millions of people is mostly this."""

from typing import Any

from pydantic_core import from_json, to_json

from connector.model.entity import NOTHING_TRIED, Facts, Identifier, OwedEvent, Person, Tried
from connector.model.versioned import Register

_NO_MORE_TRIED: list[Any] = [[], [], False]
"""Tokens, relationships and whether suppressed, where what was tried is shortened from the end."""


def facts_text(facts: Facts) -> str:
    """The facts as JSON; a register as [values, snapshot, versions], shortened from the end where empty."""
    registers = [facts.attributes, facts.segments, facts.identity]
    if facts.relationships.values or facts.relationships.snapshot is not None:
        registers += [facts.traces, facts.devices, facts.relationships]
    elif facts.devices.values or facts.devices.snapshot is not None:
        registers += [facts.traces, facts.devices]
    elif facts.traces.values:
        registers.append(facts.traces)
    return to_json([_register_parts(each) for each in registers]).decode()


def facts_of(text: str, entered: bool) -> Facts:
    """The facts that `facts_text` wrote."""
    attributes, segments, identity, *others = [Register(*parts) for parts in from_json(text)]
    if not others:
        return Facts(attributes, segments, identity, entered=entered)
    traces, *belongings = others
    return Facts(attributes, segments, identity, traces, entered, *belongings)


def person_text(person: Person | None) -> str | None:
    """A person as JSON, null for nobody."""
    if person is None:
        return None
    if person.suppressed:
        return to_json(person[:6]).decode()
    if person.relationships:
        return to_json(person[:5]).decode()
    if person.devices:
        return to_json(person[:4]).decode()
    parts = [person.identifier, person.attributes, *([person.former] if person.former else [])]
    return to_json(parts).decode()


def person_of(text: str | None) -> Person | None:
    """The person that `person_text` wrote."""
    if text is None:
        return None
    identifier, attributes, *rest = from_json(text)
    if not rest:
        return Person(Identifier(*identifier), attributes)
    former, *belongings = rest
    return Person(Identifier(*identifier), attributes, tuple(Identifier(*each) for each in former), *belongings)


def memberships_text(person: Person | None) -> str | None:
    """What is known of a person's manual segments as JSON, null for nothing; the same for the same, to be counted."""
    return to_json(dict(sorted(person.memberships.items()))).decode() if person and person.memberships else None


def with_memberships(person: Person | None, text: str | None) -> Person | None:
    """The person with what `memberships_text` wrote."""
    return person if person is None or text is None else person._replace(memberships=from_json(text))


def tried_text(tried: Tried) -> str | None:
    """What was tried as JSON, null for nothing."""
    if tried == NOTHING_TRIED:
        return None
    rest: list[object] = [sorted(tried.tokens), sorted(tried.relationships), tried.suppressed]
    while rest and not rest[-1]:
        rest.pop()
    return to_json([tried.identifiers, sorted(tried.names), *rest]).decode()


def tried_of(text: str | None) -> Tried:
    """What `tried_text` wrote."""
    if text is None:
        return Tried()
    identifiers, names, *rest = from_json(text)
    tokens, relationships, suppressed = rest + _NO_MORE_TRIED[len(rest) :]
    return Tried(
        tuple(Identifier(*each) for each in identifiers),
        frozenset(names),
        frozenset(tokens),
        frozenset(relationships),
        suppressed,
    )


def event_text(event: OwedEvent) -> str:
    """An owed event's body as JSON; its id and time have columns of their own."""
    return to_json([event.kind, event.name, event.properties, event.anonymous_id]).decode()


def event_of(id: str, occurred_at: int | None, text: str) -> OwedEvent:
    """The event that `event_text` wrote."""
    kind, name, properties, anonymous_id = from_json(text)
    return OwedEvent(id, kind, name, properties, occurred_at, anonymous_id)


def identifier_text(identifier: Identifier) -> str:
    """An identifier as the key by which two users are found to share it."""
    value = identifier.value.lower() if identifier.type == "email" else identifier.value
    return f"{identifier.type}:{value}"


def _register_parts(register: Register) -> list[object]:
    parts: list[object] = [register.values, register.snapshot]
    return [*parts, register.versions] if register.versions else parts
