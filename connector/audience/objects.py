"""Objects as upstream speaks of them, and as Customer.io should hold them: the facts of people, with fewer parts.

Of an object, `facts` has the attributes, and among the traces how it stands: there, deleted by upstream, or left.
"""

from typing import NamedTuple

from connector import mapping, relating
from connector.audience import Desired, Standing
from connector.model.change import ObjectChange
from connector.model.entity import OBJECT_ID, Entity, Facts, Identifier, Person
from connector.model.problem import Problem
from connector.model.versioned import Register
from connector.audience.rules import ObjectRules, Rules

_GONE = "gone"
_DELETED, _LEFT = "deleted", "left"


class Merged(NamedTuple):
    """The facts of an object after a change, and what was left out of them."""

    facts: Facts
    problems: tuple[Problem, ...] = ()
    stale: bool = False


def merge(facts: Facts, change: ObjectChange, rules: Rules) -> Merged:
    """What `change` makes of `facts`; nothing where the settings do not take it from there."""
    rule = rules.objects.get(change.type)
    if rule is None or change.origin not in rule.sources:
        return Merged(facts)
    newest = max(facts.attributes.newest() or 0, facts.traces.newest() or 0)
    version = newest if change.version is None else change.version
    traces = facts.traces.updated({_GONE: _gone(change)}, version)
    attributes, problems = _attributes(facts.attributes, change, version, rule, rules)
    moved = facts._replace(attributes=attributes, traces=traces, entered=True)
    return Merged(moved, problems, version < newest)


def _gone(change: ObjectChange) -> str | None:
    if change.deleted:
        return _DELETED
    return _LEFT if change.left else None


def _attributes(
    register: Register, change: ObjectChange, version: int, rule: ObjectRules, rules: Rules
) -> tuple[Register, tuple[Problem, ...]]:
    if change.deleted:
        return register.replaced({}, version), ()
    found, problems = mapping.chosen(change.attributes, rule.attributes, rules, change.key, whole=change.whole)
    if change.whole and not change.left:
        return register.replaced(found, version), problems
    return (register.updated(found, version) if found else register), problems


NAMED = Facts(entered=True)
"""The facts of an object of which nothing is known but that somebody is related to it."""


def desired(entity: Entity, rules: Rules) -> Desired:
    """What Customer.io should hold of this object."""
    rule = rules.objects.get(relating.type_of(entity.key))
    if rule is None or not entity.facts.entered:
        return Desired(Standing.OUTSIDE, None)
    gone = entity.facts.traces.values.get(_GONE)
    if gone == _DELETED or (gone == _LEFT and rule.on_exit == "delete"):
        return Desired(Standing.DELETED, None)
    if gone == _LEFT:
        return Desired(Standing.KEPT, None)
    attributes = entity.facts.attributes.values
    sent = {name: value for name, value in attributes.items() if name in rule.attributes.targets}
    return Desired(Standing.IN, Person(Identifier(OBJECT_ID, entity.key), sent))
