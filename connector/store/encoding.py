"""Turns values into JSON text and back. The text is compact: a store of millions of people is mostly this."""

from typing import Any

from pydantic_core import from_json, to_json

from connector.model.entity import (
    NOTHING_REMOVED,
    NOTHING_TRIED,
    Facts,
    Identifier,
    PendingEvent,
    Profile,
    Removals,
    Unconfirmed,
)
from connector.model.lifecycle import Lifecycle
from connector.model.versioned import VersionedMap

_SHOWN = 100
_NO_MORE_TRIED: list[Any] = [[], [], False]
"""The defaults of tokens, relationships and suppressed, where what was tried is shortened from the end."""


def facts_text(facts: Facts) -> str:
    """Returns the facts as JSON, each register as [values, snapshot, versions]; empty ones at the end are left out."""
    registers = [facts.attributes, facts.segments, facts.identity]
    if facts.relationships.values or facts.relationships.snapshot is not None:
        registers += [facts.lifecycle.entries, facts.devices, facts.relationships]
    elif facts.devices.values or facts.devices.snapshot is not None:
        registers += [facts.lifecycle.entries, facts.devices]
    elif facts.lifecycle.entries.values:
        registers.append(facts.lifecycle.entries)
    return to_json([_register_parts(each) for each in registers]).decode()


class CorruptError(ValueError):
    """The error for a text in the store that is not what this program writes there."""


def facts_of(text: str, entered: bool) -> Facts:
    """Returns the facts that `facts_text` wrote. Raises CorruptError for anything else."""
    try:
        return _facts(text, entered)
    except (ValueError, TypeError) as error:
        raise CorruptError(f"what upstream said: {str(error)[:_SHOWN]}") from error


def _facts(text: str, entered: bool) -> Facts:
    attributes, segments, identity, *others = [_register(*parts) for parts in from_json(text, cache_strings="keys")]
    if not others:
        return Facts(attributes, segments, identity, entered=entered)
    lifecycle, *belongings = others
    return Facts(attributes, segments, identity, Lifecycle(lifecycle), entered, *belongings)


def _register(values: Any, snapshot: Any, versions: Any = None) -> VersionedMap:
    if not isinstance(values, dict) or not isinstance(versions, dict | None) or not isinstance(snapshot, int | None):
        raise TypeError("an entry is not of its form")
    return VersionedMap(values, snapshot) if versions is None else VersionedMap(values, snapshot, versions)


def person_text(person: Profile | None) -> str | None:
    """Returns a person as JSON, None for nobody."""
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


def person_of(text: str | None) -> Profile | None:
    """Returns the person that `person_text` wrote. Raises CorruptError for anything else."""
    if text is None:
        return None
    try:
        return _person(*from_json(text, cache_strings="keys"))
    except (ValueError, TypeError) as error:
        raise CorruptError(f"what Customer.io holds: {str(error)[:_SHOWN]}") from error


def _person(identifier: Any, attributes: Any, former: Any = (), *belongings: Any) -> Profile:
    if not isinstance(attributes, dict) or any(not isinstance(each, dict | bool) for each in belongings):
        raise TypeError("an entry is not of its form")
    return Profile(_identifier(*identifier), attributes, tuple(_identifier(*each) for each in former), *belongings)


def _identifier(type: Any, value: Any) -> Identifier:
    if not isinstance(type, str) or not isinstance(value, str):
        raise TypeError("an identifier is not of its form")
    return Identifier(type, value)


def memberships_text(person: Profile | None) -> str | None:
    """Returns a person's memberships of manual segments as JSON, sorted, so that equal ones can be counted; or None."""
    return to_json(dict(sorted(person.memberships.items()))).decode() if person and person.memberships else None


def with_memberships(person: Profile | None, text: str | None) -> Profile | None:
    """Returns a person with what `memberships_text` wrote. Raises CorruptError for anything else."""
    return person if person is None or text is None else person._replace(memberships=memberships_of(text))


def delivered_of(text: str | None, memberships: str | None) -> Profile | None:
    """Returns what Customer.io holds, read from both its columns. Raises CorruptError for anything that is not ours."""
    return with_memberships(person_of(text), memberships)


def memberships_of(text: str) -> dict[str, bool]:
    """Returns the memberships that `memberships_text` wrote. Raises CorruptError for anything else."""
    try:
        found = from_json(text)
    except ValueError as error:
        raise CorruptError(f"the manual segments: {str(error)[:_SHOWN]}") from error
    if not isinstance(found, dict) or not all(isinstance(each, bool) for each in found.values()):
        raise CorruptError("the manual segments: they are not of their form")
    return found


def tried_text(tried: Unconfirmed) -> str | None:
    """Returns what was tried as JSON, None for nothing."""
    if tried == NOTHING_TRIED:
        return None
    rest: list[object] = [sorted(tried.tokens), sorted(tried.relationships), tried.suppressed]
    while rest and not rest[-1]:
        rest.pop()
    return to_json([tried.identifiers, sorted(tried.names), *rest]).decode()


def tried_of(text: str | None) -> Unconfirmed:
    """Returns what `tried_text` wrote. Raises CorruptError for anything else."""
    if text is None:
        return Unconfirmed()
    try:
        return _tried(*from_json(text))
    except (ValueError, TypeError) as error:
        raise CorruptError(f"what was tried: {str(error)[:_SHOWN]}") from error


def _tried(identifiers: Any, names: Any, *rest: Any) -> Unconfirmed:
    tokens, relationships, suppressed = [*rest, *_NO_MORE_TRIED[len(rest) :]]
    return Unconfirmed(
        tuple(_identifier(*each) for each in identifiers),
        frozenset(names),
        frozenset(tokens),
        frozenset(relationships),
        suppressed,
    )


def removals_text(removals: Removals) -> str | None:
    """Returns what is known to be removed as JSON, None for nothing."""
    if removals == NOTHING_REMOVED:
        return None
    return to_json(removals if removals.devices or removals.relationships else removals[:2]).decode()


def removals_of(text: str | None) -> Removals:
    """Returns what `removals_text` wrote. Raises CorruptError for anything else."""
    if text is None:
        return NOTHING_REMOVED
    try:
        deleted, freed, *belongings = from_json(text)
        return Removals(_identifiers(deleted), _identifiers(freed), *map(_names, belongings))
    except (ValueError, TypeError) as error:
        raise CorruptError(f"what was taken away: {str(error)[:_SHOWN]}") from error


def _identifiers(given: Any) -> tuple[Identifier, ...]:
    return tuple(_identifier(*each) for each in given)


def _names(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise TypeError("names are not of their form")
    return tuple(given)


def event_text(event: PendingEvent) -> str:
    """Returns an owed event's body as JSON; its id and time have columns of their own."""
    return to_json([event.kind, event.name, event.properties, event.anonymous_id]).decode()


def event_of(id: str, occurred_at: int | None, text: str) -> PendingEvent:
    """Returns the event that `event_text` wrote. Raises CorruptError for anything else."""
    try:
        kind, name, properties, anonymous_id = from_json(text)
    except (ValueError, TypeError) as error:
        raise CorruptError(f"the event: {str(error)[:_SHOWN]}") from error
    if not isinstance(name, str) or not isinstance(properties, dict):
        raise CorruptError("the event: it is not of its form")
    return PendingEvent(id, kind, name, properties, occurred_at, anonymous_id)


def identifier_text(identifier: Identifier) -> str:
    """Returns an identifier as text, TYPE:VALUE, which is equal for two users who share it."""
    value = identifier.value.lower() if identifier.type == "email" else identifier.value
    return f"{identifier.type}:{value}"


def _register_parts(register: VersionedMap) -> list[object]:
    parts: list[object] = [register.values, register.snapshot]
    return [*parts, register.versions] if register.versions else parts
