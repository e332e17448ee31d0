"""One step of a plan: the operations of one request for one person or object."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from connector.customerio.operations.operation import Operation
from connector.model.entity import Entity, Profile

UNCERTAIN = "\0uncertain"
"""Stands for a value that Customer.io may hold and we do not know; no attribute's value equals it."""

Effect = Literal[
    "created", "updated", "deleted", "let go", "merged", "mirrored", "suppressed", "unsuppressed", "refused"
]
"""let go: the person is not this sync's any more, and stays in Customer.io, since another sync wants them."""


class Step(NamedTuple):
    """The next request's part for one person.

    after: what Customer.io holds once all operations but the events are confirmed; effect: what happened to the
    person then; more: the person is not finished with this step, even without events that wait; dropped: owed events
    that will never be sent.
    """

    operations: tuple[Operation, ...] = ()
    after: Profile | None = None
    effect: Effect | None = None
    more: bool = False
    dropped: tuple[str, ...] = ()


def possible(entity: Entity, known: Mapping[str, Any], tried: frozenset[str]) -> Mapping[str, Any]:
    """Returns what Customer.io may hold: `known`, or in doubt the names in it and in `tried`, all uncertain."""
    if not entity.doubt:
        return known
    return dict.fromkeys((*known, *sorted(tried - known.keys())), UNCERTAIN)


def same(one: Any, other: Any) -> bool:
    """Says whether two values are equal in JSON: the order of keys does not matter, and true is not 1."""
    return bool(one == other) and (one is other or _alike(one, other))


def holds(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Says whether what is held is as wanted; a null that nobody wants is as good as nothing."""
    if len(held) != len(wanted):
        held = {name: value for name, value in held.items() if value is not None or name in wanted}
    return same(held, wanted)


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return all(_alike(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return all(map(_alike, one, other))
    return isinstance(one, bool) is isinstance(other, bool)
