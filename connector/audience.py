"""Who is in the audience, and what Customer.io should hold of them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from connector import address, mapping, membership, notices, relating
from connector.model.entity import Facts, Identifier, Person
from connector.audience.manual_segments import Memberships
from connector.audience.rules import Rules


class Standing(StrEnum):
    """How a user stands to a sync. The text is the reason people read."""

    IN = "in the audience"
    OUTSIDE = "not in a whitelisted segment"
    KEPT = "left the audience: kept as last sent"
    CLEARED = "left the audience: attributes cleared"
    DELETED = "left the audience: deleted"
    SUPPRESSED = "suppressed"
    MERGED = "merged into another user"
    NO_IDENTIFIER = "no identifier"
    NO_EMAIL = "no e-mail"

    @property
    def unaddressed(self) -> bool:
        """In the audience, but with nothing to address the person by."""
        return self in (Standing.NO_IDENTIFIER, Standing.NO_EMAIL)

    @property
    def left(self) -> bool:
        """Out of the audience now, whoever was in it."""
        return self in (Standing.KEPT, Standing.CLEARED, Standing.DELETED, Standing.SUPPRESSED, Standing.MERGED)

    @property
    def deletes(self) -> bool:
        """Customer.io is to hold nobody: what the deletion guard looks at."""
        return self in (Standing.DELETED, Standing.SUPPRESSED)


DELETED = "deleted"
"""The name among the traces under which it stands that upstream has deleted the user."""
_ON_EXIT = {"keep": Standing.KEPT, "clear": Standing.CLEARED, "delete": Standing.DELETED}


class Desired(NamedTuple):
    """What Customer.io should hold: `person`, or nobody (None), and why; and the manual segments they should be in."""

    standing: Standing
    person: Person | None
    memberships: Memberships = membership.NONE


def standing(facts: Facts, rules: Rules) -> Standing:
    """How a user of whom upstream says `facts` stands to the sync."""
    if facts.traces.values and (noticed := _noticed(facts, rules)):
        return noticed
    if not facts.entered:
        return Standing.OUTSIDE
    if not rules.admits(facts.segments.values.items()):
        return _ON_EXIT[rules.on_exit]
    return _addressing_fault(facts.identity.values, rules) or Standing.IN


def _noticed(facts: Facts, rules: Rules) -> Standing | None:
    """How a user stands of whom upstream has said something as a whole. A sync that only updates deletes nobody."""
    traces = facts.traces.values
    if notices.suppressed(traces, facts.entered, rules) and (facts.entered or not rules.update_only):
        return Standing.CLEARED if rules.update_only else Standing.SUPPRESSED
    if traces.get(notices.MERGED_INTO):
        return Standing.MERGED
    if facts.entered and traces.get(DELETED):
        return Standing.CLEARED if rules.update_only else Standing.DELETED
    return None


def _addressing_fault(identity: Mapping[str, Any], rules: Rules) -> Standing | None:
    if address.of(identity, rules) is None:
        return Standing.NO_IDENTIFIER
    if rules.require_email and not mapping.has_email(identity.get("email")):
        return Standing.NO_EMAIL
    return None


def desired(facts: Facts, rules: Rules) -> Desired:
    """What Customer.io should hold of this user.

    Who left and is kept stays as in the last message that had them in the audience: `merge` lets no later one in.
    """
    stands = standing(facts, rules)
    wanted = person(facts, rules) if _wanted(stands, facts, rules) else None
    if not rules.mirrors or not (stands is Standing.IN or stands.unaddressed):
        return Desired(stands, wanted)
    return Desired(stands, wanted, membership.wanted(facts, rules))


def identifier(facts: Facts, rules: Rules) -> Identifier | None:
    """The identifier of the person whom Customer.io should hold, or block; None where it should hold nobody."""
    stands = standing(facts, rules)
    if stands is Standing.SUPPRESSED:
        return said_identifier(facts, rules)
    if not _wanted(stands, facts, rules):
        return None
    return address.of(facts.identity.values, rules)


def said_identifier(facts: Facts, rules: Rules) -> Identifier | None:
    """The identifier that upstream says of a user who is to be suppressed, None where it says none."""
    named = notices.named(facts.traces.values)
    return address.of(facts.identity.values, rules) or (address.given(named, rules) if named else None)


def _wanted(stands: Standing, facts: Facts, rules: Rules) -> bool:
    if stands is Standing.KEPT:
        return _addressing_fault(facts.identity.values, rules) is None
    return stands is Standing.IN


def person(facts: Facts, rules: Rules) -> Person:
    """The person whom the facts describe, with the attributes that the settings send today."""
    identity, traces = facts.identity.values, facts.traces.values
    values = notices.with_absorbed(facts.attributes, traces)
    attributes = {name: value for name, value in values.items() if rules.maps(name)}
    if rules.segment_attribute and facts.segments.newest() is not None:
        attributes[rules.segment_attribute] = mapping.listed(_segment_names(facts, rules))
    if rules.anonymous_events and "anonymous_id" in traces:
        attributes["anonymous_id"] = traces["anonymous_id"]
    devices = {token: device for token, device in facts.devices.values.items() if device is not None}
    if rules.by_either:
        attributes = address.with_email(attributes, identity)
    related = relating.wanted(facts.relationships, rules) if facts.relationships.values else {}
    return Person(_addressed(identity, rules), attributes, (), devices, related)


def _addressed(identity: Mapping[str, Any], rules: Rules) -> Identifier:
    """The identifier of somebody who has one: `standing` has made sure."""
    return address.of(identity, rules) or Identifier("id", identity["identifier"])


def _segment_names(facts: Facts, rules: Rules) -> list[str]:
    """The segments of somebody in the audience; of somebody kept, those of the last change that had them in."""
    current = facts.segments.values
    if rules.on_exit == "keep" and not rules.admits(current.items()):
        kept: list[str] = facts.traces.values.get("segments", [])
        return kept
    return [name for name in current.values() if name is not None]
