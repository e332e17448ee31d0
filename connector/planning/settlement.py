"""What became of a claim, as the store is to write it down: one type for each end that it can have.

Each has the entity as it was claimed, and the operations that were `sent`, in case the lease has run out meanwhile.
"""

from collections.abc import Sequence
from typing import NamedTuple

from connector.customerio.operations.operation import Operation
from connector.model.entity import NOTHING_REMOVED, Entity, Identifier, Profile, Removals


class Confirmed(NamedTuple):
    """Customer.io holds `after`.

    more: another step is owed. idle: nothing could be sent, so events that wait go on waiting until something changes.
    undone: nothing was sent that could settle the doubt about what is in Customer.io, so it stays. released:
    identifiers that the user is no longer known by. removals: what is known to be taken away.
    """

    entity: Entity
    after: Profile | None
    more: bool = False
    idle: bool = False
    undone: bool = False
    released: tuple[Identifier, ...] = ()
    sent: Sequence[Operation] = ()
    removals: Removals = NOTHING_REMOVED


class PartlyRefused(NamedTuple):
    """Customer.io holds `after` and will not take the rest: nothing is owed until something changes."""

    entity: Entity
    after: Profile | None = None
    sent: Sequence[Operation] = ()


class Postponed(NamedTuple):
    """Nothing is known, or with `doubt` known only that something may have been applied: it is sent again later."""

    entity: Entity
    doubt: bool = False
    sent: Sequence[Operation] = ()


class HeldBack(NamedTuple):
    """Nothing was sent: a human must let the deletion go."""

    entity: Entity
    sent: Sequence[Operation] = ()


Settlement = Confirmed | PartlyRefused | Postponed | HeldBack
Answered = Confirmed | PartlyRefused
"""The settlements after an answer of Customer.io: what it holds is known."""
