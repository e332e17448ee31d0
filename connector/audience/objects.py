"""Objects as upstream describes them, and as Customer.io should hold them: the facts of people, with fewer parts.

The facts of an object are its attributes, and in the lifecycle its status: there, deleted by upstream, or left.
"""

from typing import NamedTuple

from connector.audience import mapping, relationships
from connector.audience.audience_status import AudienceStatus
from connector.audience.desired import Desired
from connector.audience.rules import ObjectRules, Rules
from connector.model.change import ObjectChange
from connector.model.entity import OBJECT_ID, Entity, Facts, Identifier, Profile
from connector.model.lifecycle import Departure
from connector.model.problem import Problem
from connector.model.versioned import VersionedMap


class AppliedObjectChange(NamedTuple):
    """The facts of an object after a change, and what was left out of them."""

    facts: Facts
    problems: tuple[Problem, ...] = ()
    stale: bool = False


def merge(facts: Facts, change: ObjectChange, rules: Rules) -> AppliedObjectChange:
    """Returns what `change` makes of `facts`: nothing new where the settings do not take it from there."""
    rule = rules.objects.get(change.type)
    if rule is None or change.origin not in rule.sources:
        return AppliedObjectChange(facts)
    newest = max(facts.attributes.newest() or 0, facts.lifecycle.newest() or 0)
    version = newest if change.version is None else change.version
    lifecycle = facts.lifecycle.departed(_departure(change), version)
    attributes, problems = _attributes(facts.attributes, change, version, rule, rules)
    moved = facts._replace(attributes=attributes, lifecycle=lifecycle, entered=True)
    return AppliedObjectChange(moved, problems, version < newest)


def _departure(change: ObjectChange) -> Departure | None:
    if change.deleted:
        return "deleted"
    return "left" if change.left else None


def _attributes(
    register: VersionedMap, change: ObjectChange, version: int, rule: ObjectRules, rules: Rules
) -> tuple[VersionedMap, tuple[Problem, ...]]:
    if change.deleted:
        return register.replaced({}, version), ()
    found, problems = mapping.chosen(change.attributes, rule.attributes, rules, change.key, whole=change.whole)
    if change.whole and not change.left:
        return register.replaced(found, version), problems
    return (register.updated(found, version) if found else register), problems


NAMED = Facts(entered=True)
"""The facts of an object of which nothing is known but that somebody is related to it."""


def desired(entity: Entity, rules: Rules) -> Desired:
    """Returns what Customer.io should hold of this object."""
    rule = rules.objects.get(relationships.type_of(entity.key))
    if rule is None or not entity.facts.entered:
        return Desired(AudienceStatus.OUTSIDE, None)
    gone = entity.facts.lifecycle.departure
    if gone == "deleted":  # upstream's own word: it goes whoever has brought it
        return Desired(AudienceStatus.DELETED, None, gone=(Identifier(OBJECT_ID, entity.key),))
    if gone == "left" and rule.on_exit == "delete":
        return Desired(AudienceStatus.DELETED, None)
    if gone == "left":
        return Desired(AudienceStatus.KEPT, None)
    attributes = entity.facts.attributes.values
    sent = {name: value for name, value in attributes.items() if name in rule.attributes.targets}
    return Desired(AudienceStatus.IN, Profile(Identifier(OBJECT_ID, entity.key), sent))
