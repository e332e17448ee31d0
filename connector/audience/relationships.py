"""Which objects a user is related to, and what is said of them: facts by name in one register.

The names, where OBJECT is the key of an object ("1/acme") and TYPE its type:

    OBJECT             true, or null where the relationship has ended
    OBJECT, tab, NAME  an attribute of that relationship
    account/TYPE       the id of the object that the user's account is, null for none: a user has one account at a time
    account/TYPE, tab, NAME

So each attribute moves by its own version, and a user who moves to another account leaves the first, in whatever order
the messages come.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from connector.audience import mapping
from connector.audience.rules import MISSING, ObjectRules, Rules
from connector.model import identifiers, times
from connector.model.change import Change, ObjectChange, Relationship
from connector.model.entity import Entity
from connector.model.limits import OBJECT_ID_BYTES
from connector.model.problem import Problem
from connector.model.versioned import VersionedMap

_ACCOUNT = "account/"
_TAB = "\t"


class NamedRelationships(NamedTuple):
    """What a change says about relationships, by name, and what was left out of it."""

    values: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


def moved(
    register: VersionedMap, change: Change, version: int, rules: Rules
) -> tuple[VersionedMap, tuple[Problem, ...]]:
    """Applies a change to the relationships of a user.

    Args:
        register: The relationships so far, each with its version.
        change: What is told of the user.
        version: The version of the change.
        rules: The sync's rules.

    Returns:
        The relationships afterwards, and a problem for each one that was left out.
    """
    told = _told(change, rules)
    if change.whole and change.relationships is not None:
        present = {name: value for name, value in told.values.items() if value is not None}
        register = register.replaced(present, version)
        return without_ended(register, change, version, rules), told.problems
    return (register.updated(told.values, version) if told.values else register), told.problems


def moved_outside(register: VersionedMap, change: Change, version: int, rules: Rules) -> VersionedMap:
    """Applies a change to the relationships of a user who never was in the audience.

    Of a snapshot only the version is kept; what says a part of the relationships is kept whole.

    Args:
        register: The relationships so far, each with its version.
        change: What is told of the user.
        version: The version of the change.
        rules: The sync's rules.
    """
    if not change.whole:
        return moved(register, change, version, rules)[0]
    if change.relationships is not None:
        return register.replaced({}, version)
    return register.updated(dict.fromkeys(_told(change, rules).values, None), version)


def without_ended(register: VersionedMap, change: Change, version: int, rules: Rules) -> VersionedMap:
    """Ends the relationships that a change says have ended. Their names stay, to say so to Customer.io.

    Args:
        register: what was said of the user's relationships before.
        change: one message about the user.
        version: the version of the change.
        rules: the settings of the sync.

    Returns:
        The relationships after the change, if that is all that it says.
    """
    ended: dict[str, Any] = {}
    for each in change.relationships or ():
        rule = rules.objects.get(each.type)
        if each.gone and rule is not None and each.origin in rule.sources:
            ended |= {each.key: None} | _nulls(each.key, rule)
    return register.updated(ended, version)


def _told(change: Change, rules: Rules) -> NamedRelationships:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for each in change.relationships or ():
        rule = rules.objects.get(each.type)
        if rule is not None and each.origin in rule.sources:
            values |= _explicit(each, rule, rules, change, problems)
    for rule in rules.objects.values():
        if "account" in rule.sources:
            values |= _of_account(change, rule, rules, problems)
    return NamedRelationships(values, tuple(problems))


def _explicit(
    told: Relationship, rule: ObjectRules, rules: Rules, change: Change, problems: list[Problem]
) -> dict[str, Any]:
    """Returns what a relationship says, by name. One that ends nulls its attributes, so as not to return with them."""
    key = told.key
    if told.gone:
        return {key: None} | _nulls(key, rule)
    attributes, bad = mapping.chosen(told.attributes, rule.relationship, rules, change.key, whole=change.whole)
    problems += bad
    return {key: True} | _named(key, attributes)


def _of_account(change: Change, rule: ObjectRules, rules: Rules, problems: list[Problem]) -> dict[str, Any]:
    """Returns the relationship to the account, whose attributes are the user's own."""
    name = _ACCOUNT + rule.type
    id, bad = account_id(change, rule, rules.placeholders)
    problems += bad
    if id is None and not change.whole:
        there: dict[str, Any] = {}
    else:
        there = {name: id} | (_nulls(name, rule) if change.whole else {})
    attributes, left_out = mapping.chosen(change.user, rule.relationship, rules, change.key, whole=change.whole)
    problems += left_out
    return there | _named(name, attributes)


def _named(key: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{key}{_TAB}{name}": value for name, value in attributes.items()}


def _nulls(key: str, rule: ObjectRules) -> dict[str, Any]:
    return _named(key, dict.fromkeys(rule.relationship.targets, None))


def account_id(
    change: Change, rule: ObjectRules, placeholders: frozenset[str]
) -> tuple[str | None, tuple[Problem, ...]]:
    """Returns the id of the object that the change's account is; None where it names none that can be one."""
    value = rule.identifier.find(change.account) if change.account else MISSING
    id = None if value is MISSING else identifiers.text(value)
    if id is None:
        return None, ()
    if identifiers.is_placeholder(id, placeholders):
        reason = f"the account's id is {id!r}, a placeholder ([intake] placeholders): it is no object"
        return None, (Problem("identifier", change.key, reason),)
    if _usable(id):
        return id, ()
    reason = f"the account's id exceeds {OBJECT_ID_BYTES} bytes or has control characters: it is no object"
    return None, (Problem("identifier", change.key, reason, id[:OBJECT_ID_BYTES]),)


def _usable(id: str) -> bool:
    return len(id.encode(errors="replace")) <= OBJECT_ID_BYTES and id.isprintable()


def objects(change: Change, rules: Rules) -> Iterator[ObjectChange]:
    """Yields what a user's message says about objects, if the settings take it from there."""
    for each in change.objects:
        rule = rules.objects.get(each.type)
        if rule is not None and each.origin in rule.sources:
            yield each
    for rule in rules.objects.values():
        id = account_id(change, rule, rules.placeholders)[0] if "account" in rule.sources else None
        if id is not None:
            version = times.across(change.version)
            yield ObjectChange(rule.type, id, change.account, "account", change.whole, version)


def wanted(facts: VersionedMap, rules: Rules) -> dict[str, dict[str, Any] | None]:
    """Returns the relationships by today's settings: attributes by the object's key; None for one that has ended."""
    ended = [key for key, value in facts.values.items() if value is None and _is_explicit(key, rules)]
    return {**dict.fromkeys(ended, None), **_present(facts, rules)}


def _is_explicit(name: str, rules: Rules) -> bool:
    """Says whether an entry of the register stands for a relationship that a message named, and the settings know."""
    return _TAB not in name and not name.startswith(_ACCOUNT) and type_of(name) in rules.objects


def _present(facts: VersionedMap, rules: Rules) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}
    for name, value in facts.values.items():
        if _TAB not in name and value is not None and (key := _object(name, value, rules)) is not None:
            names[name] = key
            found.setdefault(key, {})
    # An account's attributes come first, so that what is said of the relationship itself overrides them.
    for name, value in sorted(facts.values.items(), key=lambda item: not item[0].startswith(_ACCOUNT)):
        own, tab, attribute = name.partition(_TAB)
        if tab and own in names and value is not None and _sends(names[own], attribute, rules):
            found[names[own]][attribute] = value
    return found


def _object(name: str, value: Any, rules: Rules) -> str | None:
    """Returns the key of the object that an entry of the register names, where the settings know its type."""
    key = f"{name.removeprefix(_ACCOUNT)}/{value}" if name.startswith(_ACCOUNT) else name
    rule = rules.objects.get(type_of(key))
    if rule is None or (name.startswith(_ACCOUNT) and "account" not in rule.sources):
        return None
    return key


def _sends(key: str, attribute: str, rules: Rules) -> bool:
    return attribute in rules.objects[type_of(key)].relationship.targets


def type_of(key: str) -> str:
    """Returns the type of the object with this key."""
    return key.partition("/")[0]


def mentioned(entity: Entity, rules: Rules) -> set[str]:
    """Returns the objects that the person may be related to, or should be."""
    there = (key for key, value in _delivered(entity).items() if value is not None)
    return {*_present(entity.facts.relationships, rules), *there, *entity.tried.relationships}


def held(entity: Entity) -> bool:
    """Says whether Customer.io may hold a relationship of this person."""
    return bool(entity.tried.relationships or _delivered(entity))


def _delivered(entity: Entity) -> Mapping[str, Any]:
    return entity.delivered.relationships if entity.delivered else {}


def within(entity: Entity, present: Collection[str], rules: Rules) -> Entity:
    """Returns the person with the relationships to those objects that are in Customer.io: there can be no others.

    An object takes its relationships with it, so nothing is sent to end one to an object that is gone.
    """
    absent = mentioned(entity, rules) - set(present)
    if not absent:
        return entity
    delivered = entity.delivered
    if delivered is not None:
        ended = entity.facts.relationships.values
        kept = {key: value for key, value in delivered.relationships.items() if key not in absent}
        kept |= {key: None for key in absent if key in delivered.relationships and ended.get(key, "") is None}
        delivered = delivered._replace(relationships=kept)
    tried = replace(entity.tried, relationships=entity.tried.relationships - absent)
    facts = entity.facts._replace(relationships=_without(entity.facts.relationships, absent, rules))
    return replace(entity, facts=facts, delivered=delivered, tried=tried)


def _without(register: VersionedMap, absent: Collection[str], rules: Rules) -> VersionedMap:
    values = {
        name: value
        for name, value in register.values.items()
        if _TAB in name or value is None or _object(name, value, rules) not in absent
    }
    return register._replace(values=values)
