"""Handing over: a user who turned out to be another one leaves everything to that one.

What Customer.io holds of them is merged from there, by the same steps as after a change of identifier: the survivor
is sent whole, and once that is confirmed Customer.io merges the other profile into it.
"""

from collections.abc import Mapping
from dataclasses import replace

from connector import notices, plan
from connector.model.entity import Entity, Facts, Tried
from connector.model.problem import Problem


def handed_over(old: Entity, survivor: Entity) -> tuple[Entity, Entity]:
    """Both, after `old` has left to `survivor` under which identifiers Customer.io may know them, and what they are.

    The survivor is in doubt then, as after a lost answer: somebody may be there under those identifiers.
    """
    facts = _with_absorbed(survivor.facts, old)
    received = replace(survivor, facts=facts, revision=survivor.revision + 1)
    identifiers = tuple(plan.possible_identifiers(old))
    if identifiers:
        delivered = old.delivered
        unsure = old.tried if old.doubt else Tried()
        left = replace(unsure, identifiers=identifiers, suppressed=False)
        if delivered:
            names, tokens, related = map(frozenset, (delivered.attributes, delivered.devices, delivered.relationships))
            left |= Tried((), names, tokens, related)
        received = replace(received, tried=survivor.tried | left, doubt=survivor.doubt + 1)
    return replace(old, delivered=None, tried=Tried(), doubt=0, revision=old.revision + 1), received


def _with_absorbed(facts: Facts, old: Entity) -> Facts:
    """The survivor's facts with what upstream says of `old` below them."""
    said = notices.with_absorbed(old.facts.attributes, old.facts.traces.values)
    attributes = {name: value for name, value in said.items() if value is not None}
    absorbed = {**facts.traces.values.get(notices.ABSORBED, {}), old.key: attributes}
    traces = facts.traces._replace(values={**facts.traces.values, notices.ABSORBED: absorbed})
    return facts._replace(traces=traces)


def target(facts: Facts) -> str | None:
    """The key of the user whom this one turned out to be."""
    found: str | None = facts.traces.values.get(notices.MERGED_INTO)
    return found


def circle(start: str, people: Mapping[str, Facts]) -> list[str]:
    """The users in a circle, each said to be the next, that the way from `start` leads into; none where it ends."""
    way: list[str] = []
    key: str | None = start
    while key is not None and key in people and key not in way:
        way.append(key)
        key = target(people[key])
    return way[way.index(key) :] if key in way else []


def opened(users: list[str], people: Mapping[str, Facts]) -> tuple[str, Facts]:
    """Who goes on out of a circle, and their facts: as the newest word has it; of two as new, the greater key's."""
    versions = {key: people[key].traces.versions.get(notices.MERGED_INTO, 0) for key in users}
    newest = max(users, key=lambda key: (versions[key], key))
    survivor = target(people[newest]) or newest
    facts = people[survivor]
    return survivor, facts._replace(traces=facts.traces.updated({notices.MERGED_INTO: None}, versions[newest]))


def problem(survivor: str, users: list[str]) -> Problem:
    """What a human is told of a circle."""
    others = ", ".join(map(repr, sorted({*users} - {survivor})))
    reason = f"is said to be {others}, and the other way round: {survivor!r} goes on, as the newest message has it"
    return Problem("conflict", survivor, reason)
