"""Values as JSON text and back. The text is compact: a store of millions of people is mostly this."""

from pydantic_core import from_json, to_json

from connector.entity import Facts, Identifier, OwedEvent, Person, Tried
from connector.register import Register


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
    if person.relationships:
        return to_json(person).decode()
    if person.devices:
        return to_json(person[:-1]).decode()
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


def tried_text(tried: Tried) -> str | None:
    """What was tried as JSON, null for nothing."""
    if not (tried.identifiers or tried.names or tried.tokens or tried.relationships):
        return None
    tokens = [sorted(tried.tokens)] if tried.tokens or tried.relationships else []
    related = [sorted(tried.relationships)] if tried.relationships else []
    return to_json([tried.identifiers, sorted(tried.names), *tokens, *related]).decode()


def tried_of(text: str | None) -> Tried:
    """What `tried_text` wrote."""
    if text is None:
        return Tried()
    identifiers, names, *belongings = from_json(text)
    return Tried(tuple(Identifier(*each) for each in identifiers), *map(frozenset, (names, *belongings)))


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
