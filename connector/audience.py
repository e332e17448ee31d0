"""Who is in the audience, and what Customer.io should hold of them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from connector import mapping, relating
from connector.entity import Facts, Identifier, Person
from connector.rules import Rules


class Standing(StrEnum):
    """How a user stands to a sync. The text is the reason people read."""

    IN = "in the audience"
    OUTSIDE = "not in a whitelisted segment"
    KEPT = "left the audience: kept as last sent"
    CLEARED = "left the audience: attributes cleared"
    DELETED = "left the audience: deleted"
    NO_IDENTIFIER = "no identifier"
    NO_EMAIL = "no e-mail"

    @property
    def unaddressed(self) -> bool:
        """In the audience, but with nothing to address the person by."""
        return self in (Standing.NO_IDENTIFIER, Standing.NO_EMAIL)

    @property
    def left(self) -> bool:
        """Once in the audience, and out of it now."""
        return self in (Standing.KEPT, Standing.CLEARED, Standing.DELETED)


DELETED = "deleted"
"""The name among the traces under which it stands that upstream has deleted the user."""
_ON_EXIT = {"keep": Standing.KEPT, "clear": Standing.CLEARED, "delete": Standing.DELETED}


class Desired(NamedTuple):
    """What Customer.io should hold: `person`, or nobody (None), and why."""

    standing: Standing
    person: Person | None


def standing(facts: Facts, rules: Rules) -> Standing:
    """How a user of whom upstream says `facts` stands to the sync."""
    if not facts.entered:
        return Standing.OUTSIDE
    if facts.traces.values and facts.traces.values.get(DELETED):
        # A sync that only updates deletes nobody.
        return Standing.CLEARED if rules.update_only else Standing.DELETED
    if not rules.admits(facts.segments.values.items()):
        return _ON_EXIT[rules.on_exit]
    return _addressing_fault(facts.identity.values, rules) or Standing.IN


def _addressing_fault(identity: Mapping[str, Any], rules: Rules) -> Standing | None:
    value = identity.get("identifier")
    if value is None or (rules.identify_by == "email" and not mapping.has_email(value)):
        return Standing.NO_IDENTIFIER
    if rules.require_email and not mapping.has_email(identity.get("email")):
        return Standing.NO_EMAIL
    return None


def desired(facts: Facts, rules: Rules) -> Desired:
    """What Customer.io should hold of this user.

    Who left and is kept stays as in the last message that had them in the audience: `merge` lets no later one in.
    """
    stands = standing(facts, rules)
    return Desired(stands, person(facts, rules) if _wanted(stands, facts, rules) else None)


def identifier(facts: Facts, rules: Rules) -> Identifier | None:
    """The identifier of the person whom Customer.io should hold, None where it should hold nobody."""
    if not _wanted(standing(facts, rules), facts, rules):
        return None
    return Identifier(rules.identify_by, facts.identity.values["identifier"])


def _wanted(stands: Standing, facts: Facts, rules: Rules) -> bool:
    if stands is Standing.KEPT:
        return _addressing_fault(facts.identity.values, rules) is None
    return stands is Standing.IN


def person(facts: Facts, rules: Rules) -> Person:
    """The person whom the facts describe, with the attributes that the settings send today."""
    identity, traces = facts.identity.values, facts.traces.values
    values = facts.attributes.values
    attributes = {name: value for name, value in values.items() if rules.maps(name)}
    if rules.segment_attribute and facts.segments.newest() is not None:
        attributes[rules.segment_attribute] = mapping.listed(_segment_names(facts, rules))
    if rules.anonymous_events and "anonymous_id" in traces:
        attributes["anonymous_id"] = traces["anonymous_id"]
    devices = {token: device for token, device in facts.devices.values.items() if device is not None}
    related = relating.wanted(facts.relationships, rules) if facts.relationships.values else {}
    return Person(Identifier(rules.identify_by, identity["identifier"]), attributes, (), devices, related)


def _segment_names(facts: Facts, rules: Rules) -> list[str]:
    """The segments of somebody in the audience; of somebody kept, those of the last change that had them in."""
    current = facts.segments.values
    if rules.on_exit == "keep" and not rules.admits(current.items()):
        kept: list[str] = facts.traces.values.get("segments", [])
        return kept
    return [name for name in current.values() if name is not None]
