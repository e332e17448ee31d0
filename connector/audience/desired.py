"""What Customer.io should hold of a user, by what is known of them and where they stand (`standing`)."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from connector.audience import manual_segments, relationships
from connector.audience.addressing import said
from connector.audience.audience_status import AudienceStatus, addressing_fault, standing_of
from connector.audience.manual_segments import Memberships
from connector.audience.rules import Rules
from connector.audience.suppression import attributes_with_absorbed
from connector.model.entity import Facts, Identifier, Profile


class Ended(NamedTuple):
    """What upstream says that a person has no more, of whom Customer.io should hold nothing otherwise.

    devices: tokens; relationships: keys of objects; of: the identifiers by which upstream calls the person.
    """

    devices: tuple[str, ...] = ()
    relationships: tuple[str, ...] = ()
    of: tuple[Identifier, ...] = ()


NOTHING_ENDED = Ended()


class Desired(NamedTuple):
    """What Customer.io should hold of one user.

    `person` is what Customer.io should hold, None for nobody; `standing` says why. `memberships` are the manual
    segments they should be in. `gone` are identifiers under which nobody should be, whoever brought them there; `free`
    are identifiers that should no longer be suppressed. Upstream gives both in its own words. `ended` goes whoever had
    brought it, and creates nobody.
    """

    standing: AudienceStatus
    person: Profile | None
    memberships: Memberships = manual_segments.NONE
    gone: tuple[Identifier, ...] = ()
    free: tuple[Identifier, ...] = ()
    ended: Ended = NOTHING_ENDED


def desired(facts: Facts, rules: Rules) -> Desired:
    """Returns what Customer.io should hold of this user.

    A person who left and is kept stays as in the last message that had them in the audience: `apply_change` takes
    nothing from later ones.
    """
    status = standing_of(facts, rules)
    wanted = person(facts, rules) if _wanted(status, facts, rules) else None
    here = bool(rules.mirrors) and (status is AudienceStatus.IN or status.unaddressed)
    found = Desired(status, wanted, manual_segments.wanted(facts, rules) if here else manual_segments.NONE)
    if wanted is None and (facts.devices.values or facts.relationships.values) and status in _MAY_BE_THERE:
        found = found._replace(ended=_ended(facts, rules))
    return _with_removals(found, facts, rules) if facts.lifecycle.entries.values else found


_MAY_BE_THERE = (
    AudienceStatus.OUTSIDE,
    AudienceStatus.KEPT,
    AudienceStatus.CLEARED,
    AudienceStatus.NO_IDENTIFIER,
    AudienceStatus.NO_EMAIL,
)
"""The standings of users of whom nothing is sent, and whom somebody else may have brought."""


def _ended(facts: Facts, rules: Rules) -> Ended:
    """Returns what upstream has taken away from a user of whom nothing else is sent."""
    devices = tuple(sorted(token for token, device in facts.devices.values.items() if device is None))
    related = relationships.wanted(facts.relationships, rules) if facts.relationships.values else {}
    ended = tuple(sorted(key for key, attributes in related.items() if attributes is None))
    if not devices and not ended:
        return NOTHING_ENDED
    return Ended(devices, ended, rules.addressing.all_named(facts.identity.values))


def _with_removals(found: Desired, facts: Facts, rules: Rules) -> Desired:
    """Adds the identifiers that upstream takes away. A sync that only updates takes nobody away."""
    if rules.update_only or found.standing is AudienceStatus.SUPPRESSED:
        return found
    gone = facts.lifecycle.deleted_identifiers if found.standing is AudienceStatus.DELETED else ()
    free = facts.lifecycle.freed_identifiers
    return found._replace(gone=_identifiers(gone), free=_identifiers(free)) if gone or free else found


def _identifiers(pairs: Sequence[Sequence[str]]) -> tuple[Identifier, ...]:
    return tuple(Identifier(type, value) for type, value in pairs)


def identifier(facts: Facts, rules: Rules) -> Identifier | None:
    """Returns the identifier of the person that Customer.io should hold or block, None if it should hold nobody."""
    status = standing_of(facts, rules)
    if status is AudienceStatus.SUPPRESSED:
        return given_identifier(facts, rules)
    if not _wanted(status, facts, rules):
        return None
    return rules.addressing.identifier(facts.identity.values)


def given_identifier(facts: Facts, rules: Rules) -> Identifier | None:
    """Returns the identifier that upstream gives for a user who is to be suppressed, None if it gives none."""
    named = facts.lifecycle.suppressed_identifier
    return rules.addressing.identifier(facts.identity.values) or (rules.addressing.given(named) if named else None)


def _wanted(status: AudienceStatus, facts: Facts, rules: Rules) -> bool:
    if status is AudienceStatus.KEPT:
        return addressing_fault(facts.identity.values, rules) is None
    return status is AudienceStatus.IN


def person(facts: Facts, rules: Rules) -> Profile:
    """Returns the person that the facts describe, with the attributes that the settings send today."""
    identity, anonymous_id = facts.identity.values, facts.lifecycle.anonymous_id
    values = attributes_with_absorbed(facts)
    targets = rules.targets
    attributes = {name: value for name, value in values.items() if name in targets or rules.maps(name)}
    if facts.segments.newest() is not None:
        attributes |= rules.segments_as.attributes(_segment_names(facts, rules), facts)
    if rules.anonymous_events and anonymous_id is not None:
        attributes["anonymous_id"] = anonymous_id
    related = relationships.wanted(facts.relationships, rules) if facts.relationships.values else {}
    sent = rules.addressing.with_identifiers(attributes, identity)
    return Profile(_addressed(identity, rules), sent, (), facts.devices.values, related)


def _addressed(identity: Mapping[str, Any], rules: Rules) -> Identifier:
    """Returns the identifier of somebody who has one, which `standing_of` has made sure of."""
    return rules.addressing.identifier(identity) or Identifier("id", said(identity) or "")


def _segment_names(facts: Facts, rules: Rules) -> list[str]:
    """Returns the segments of a user in the audience.

    For a user who left and is kept, these are the segments of the last change that had them in the audience.
    """
    current = facts.segments.values
    if rules.on_exit == "keep" and not rules.admits(current.items()):
        return facts.lifecycle.kept_segments
    return [name for name in current.values() if name is not None]
