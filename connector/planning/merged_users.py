"""Hands users over: a user who turned out to be another one leaves everything to that one.

The survivor is sent whole, and once that is confirmed Customer.io merges the other profile into theirs, by the same
steps as after a change of identifier.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace

from connector.audience.rules import Rules
from connector.audience.suppression import attributes_with_absorbed
from connector.model.change import Change
from connector.model.entity import Entity, Facts, Identifier, Unconfirmed
from connector.model.problem import Problem
from connector.planning.plan import possible_identifiers


def handed_over(old: Entity, survivor: Entity, others: Collection[Identifier] = ()) -> tuple[Entity, Entity]:
    """Returns both users after `old` has left to `survivor` their facts and the identifiers that Customer.io may know.

    The survivor is in doubt then, as after a lost answer: somebody may exist under those identifiers. `others` are
    another user's, though upstream has called `old` so: they stay where they are.
    """
    facts = _with_absorbed(survivor.facts, old)
    received = replace(survivor, facts=facts, revision=survivor.revision + 1)
    lifecycle = old.facts.lifecycle
    called = tuple(Identifier(type, value) for type, value in lifecycle.to_hand_over)
    identifiers = tuple(possible_identifiers(old)) or tuple(each for each in called if each not in others)
    if identifiers:
        delivered = old.delivered
        unsure = old.tried if old.doubt else Unconfirmed()
        left = replace(unsure, identifiers=identifiers, suppressed=False)
        if delivered:
            names, tokens, related = map(frozenset, (delivered.attributes, delivered.devices, delivered.relationships))
            left |= Unconfirmed((), names, tokens, related)
        received = replace(received, tried=survivor.tried | left, doubt=survivor.doubt + 1)
    left_behind = old.facts._replace(lifecycle=lifecycle.handed_over([*identifiers, *called]))
    gone = replace(old, facts=left_behind, delivered=None, tried=Unconfirmed(), doubt=0, revision=old.revision + 1)
    return gone, received


def named(old: Entity) -> tuple[Identifier, ...]:
    """Returns the identifiers by which upstream knew a merged user whom the connector itself never delivered."""
    if possible_identifiers(old):
        return ()
    return tuple(Identifier(type, value) for type, value in old.facts.lifecycle.to_hand_over)


def left_nothing(old: Entity) -> bool:
    """Says whether a user who turned out to be another one has nothing any more that Customer.io is to merge."""
    return not possible_identifiers(old) and not old.facts.lifecycle.to_hand_over


def unnamed(before: Entity, change: Change, facts: Facts, rules: Rules) -> list[Problem]:
    """Returns the problem of a user who turned out to be another one, if nothing says who they are in Customer.io.

    Args:
        before: the user before the change.
        change: the change that says who they turned out to be.
        facts: the user's facts after it.
        rules: the settings of the sync.
    """
    lifecycle = facts.lifecycle
    if change.merged_into is None or change.guess or possible_identifiers(before) or lifecycle.named_when_merged:
        return []
    field = rules.identifier.flat[0]
    reason = (
        f"turned out to be {change.merged_into!r}, and no message has said under which identifier Customer.io may have "
        f"them: nobody is merged there. Send it again with the field {field!r} of the other user"
    )
    return [Problem("identifier", before.key, reason)]


def _with_absorbed(facts: Facts, old: Entity) -> Facts:
    """Returns the survivor's facts, completed by those of `old`."""
    said = attributes_with_absorbed(old.facts)
    attributes = {name: value for name, value in said.items() if value is not None}
    lifecycle = facts.lifecycle.with_absorbed(old.key, attributes).with_visitor_of(old.facts.lifecycle)
    return facts._replace(lifecycle=lifecycle)


def target(facts: Facts) -> str | None:
    """Returns the key of the user that this one turned out to be."""
    return facts.lifecycle.merged_into


def circle(start: str, people: Mapping[str, Facts]) -> list[str]:
    """Returns the users of a circle of merges that the way from `start` leads into; none if the way ends."""
    way: list[str] = []
    key: str | None = start
    while key is not None and key in people and key not in way:
        way.append(key)
        key = target(people[key])
    return way[way.index(key) :] if key in way else []


def opened(users: list[str], people: Mapping[str, Facts]) -> tuple[str, Facts]:
    """Returns the survivor of a circle, and their facts.

    The survivor is the user of the newest message; of two users as new, the one with the greater key.
    """
    versions = {key: people[key].lifecycle.merged_into_version for key in users}
    newest = max(users, key=lambda key: (versions[key], key))
    survivor = target(people[newest]) or newest
    facts = people[survivor]
    return survivor, facts._replace(lifecycle=facts.lifecycle.merged(None, versions[newest]))


def problem(survivor: str, users: list[str]) -> Problem:
    """Returns the problem of a circle, in words."""
    others = ", ".join(map(repr, sorted({*users} - {survivor})))
    reason = f"is said to be {others}, and the other way round: {survivor!r} goes on, as the newest message has it"
    return Problem("conflict", survivor, reason)
