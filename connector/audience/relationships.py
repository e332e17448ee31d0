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

from connector import mapping, moment
from connector.model.change import Change, ObjectChange, Relationship
from connector.model.entity import Entity
from connector.model.problem import Problem
from connector.model.versioned import Register
from connector.audience.rules import MISSING, ObjectRules, Rules

OBJECT_ID_BYTES = 150
_ACCOUNT = "account/"
_TAB = "\t"


class Told(NamedTuple):
    """What a change says of relationships, by name, and what was left out of it."""

    values: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()


def moved(register: Register, change: Change, version: int, rules: Rules) -> tuple[Register, tuple[Problem, ...]]:
    """The relationships of a user after a change, and what was left out of them."""
    told = _told(change, rules)
    if change.whole and change.relationships is not None:
        present = {name: value for name, value in told.values.items() if value is not None}
        return register.replaced(present, version), told.problems
    return (register.updated(told.values, version) if told.values else register), told.problems


def moved_outside(register: Register, change: Change, version: int, rules: Rules) -> Register:
    """The same of a user who never was in the audience: of snapshots only the version is kept, parts are kept whole."""
    if not change.whole:
        return moved(register, change, version, rules)[0]
    if change.relationships is not None:
        return register.replaced({}, version)
    return register.updated(dict.fromkeys(_told(change, rules).values, None), version)


def _told(change: Change, rules: Rules) -> Told:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for each in change.relationships or ():
        rule = rules.objects.get(each.type)
        if rule is not None and each.origin in rule.sources:
            values |= _explicit(each, rule, rules, change, problems)
    for rule in rules.objects.values():
        if "account" in rule.sources:
            values |= _of_account(change, rule, rules, problems)
    return Told(values, tuple(problems))


def _explicit(
    told: Relationship, rule: ObjectRules, rules: Rules, change: Change, problems: list[Problem]
) -> dict[str, Any]:
    """One that ends takes its attributes along: it must not come back with those of before."""
    key = f"{told.type}/{told.id}"
    if told.gone:
        return {key: None} | _nulls(key, rule)
    attributes, bad = mapping.chosen(told.attributes, rule.relationship, rules, change.key, whole=change.whole)
    problems += bad
    return {key: True} | _named(key, attributes)


def _of_account(change: Change, rule: ObjectRules, rules: Rules, problems: list[Problem]) -> dict[str, Any]:
    """The relationship to the account, whose attributes are the user's own."""
    name = _ACCOUNT + rule.type
    id, bad = account_id(change, rule)
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


def account_id(change: Change, rule: ObjectRules) -> tuple[str | None, tuple[Problem, ...]]:
    """The id of the object that the change's account is; None where it names none that can be one."""
    value = rule.identifier.find(change.account) if change.account else MISSING
    id = None if value is MISSING else mapping.text(value)
    if id is None or _usable(id):
        return id, ()
    reason = f"the account's id exceeds {OBJECT_ID_BYTES} bytes or has control characters: it is no object"
    return None, (Problem("identifier", change.key, reason, id[:OBJECT_ID_BYTES]),)


def _usable(id: str) -> bool:
    return len(id.encode(errors="replace")) <= OBJECT_ID_BYTES and id.isprintable()


def objects(change: Change, rules: Rules) -> Iterator[ObjectChange]:
    """What a user's message says of objects, as far as the settings take it from there."""
    for each in change.objects:
        rule = rules.objects.get(each.type)
        if rule is not None and each.origin in rule.sources:
            yield each
    for rule in rules.objects.values():
        id = account_id(change, rule)[0] if "account" in rule.sources else None
        if id is not None:
            version = moment.across(change.version)
            yield ObjectChange(rule.type, id, change.account, "account", change.whole, version)


def wanted(facts: Register, rules: Rules) -> dict[str, dict[str, Any]]:
    """The relationships that a user should have by the settings of today: attributes by the key of the object."""
    found: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}
    for name, value in facts.values.items():
        if _TAB not in name and value is not None and (key := _object(name, value, rules)) is not None:
            names[name] = key
            found.setdefault(key, {})
    # An account's attributes first: what is said of the relationship itself goes before them.
    for name, value in sorted(facts.values.items(), key=lambda item: not item[0].startswith(_ACCOUNT)):
        own, tab, attribute = name.partition(_TAB)
        if tab and own in names and value is not None and _sends(names[own], attribute, rules):
            found[names[own]][attribute] = value
    return found


def _object(name: str, value: Any, rules: Rules) -> str | None:
    """The key of the object that an entry of the register names, where the settings know its type."""
    key = f"{name.removeprefix(_ACCOUNT)}/{value}" if name.startswith(_ACCOUNT) else name
    rule = rules.objects.get(type_of(key))
    if rule is None or (name.startswith(_ACCOUNT) and "account" not in rule.sources):
        return None
    return key


def _sends(key: str, attribute: str, rules: Rules) -> bool:
    return attribute in rules.objects[type_of(key)].relationship.targets


def type_of(key: str) -> str:
    """The type of the object with this key."""
    return key.partition("/")[0]


def mentioned(entity: Entity, rules: Rules) -> set[str]:
    """The objects that the person may be related to, or should be."""
    return {*wanted(entity.facts.relationships, rules), *_delivered(entity), *entity.tried.relationships}


def held(entity: Entity) -> bool:
    """Whether Customer.io may hold a relationship of this person."""
    return bool(entity.tried.relationships or _delivered(entity))


def _delivered(entity: Entity) -> Mapping[str, Any]:
    return entity.delivered.relationships if entity.delivered else {}


def within(entity: Entity, present: Collection[str], rules: Rules) -> Entity:
    """The person as far as objects go that are in Customer.io: to others no relationship can be, and none is held.

    With an object its relationships go. What was delivered, and is not there any more, needs no word to end it.
    """
    absent = mentioned(entity, rules) - set(present)
    if not absent:
        return entity
    delivered = entity.delivered
    if delivered is not None:
        kept = {key: value for key, value in delivered.relationships.items() if key not in absent}
        delivered = delivered._replace(relationships=kept)
    tried = replace(entity.tried, relationships=entity.tried.relationships - absent)
    facts = entity.facts._replace(relationships=_without(entity.facts.relationships, absent, rules))
    return replace(entity, facts=facts, delivered=delivered, tried=tried)


def _without(register: Register, absent: Collection[str], rules: Rules) -> Register:
    values = {
        name: value
        for name, value in register.values.items()
        if _TAB in name or value is None or _object(name, value, rules) not in absent
    }
    return register._replace(values=values)
