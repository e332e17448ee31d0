"""Finds the users that Hull's connector had delivered to Customer.io, by the attributes that it wrote on them.

It wrote `customerio/id` and `customerio/created_at` on each user that it had sent, and `customerio/deleted_at` once it
had deleted them (docs/moving-from-hull.md#changing-over).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from connector.audience.rules import MISSING, FieldSource, Rules
from connector.formats.reading import word
from connector.model.change import Change, Message
from connector.model.entity import Identifier
from connector.store import resend
from connector.store.engine import Store

_ID, _CREATED, _DELETED = (FieldSource.of(f"customerio/{name}") for name in ("id", "created_at", "deleted_at"))


def brought(change: Change) -> Identifier | None:
    """Returns the id under which Hull's connector had delivered the user.

    Returns None where it had not delivered them, had deleted them, or left no text or integer as their id.
    """
    if _said(change, _CREATED) is None or _said(change, _DELETED) is not None:
        return None
    id = word(_said(change, _ID))
    return None if id is None else Identifier("id", id)


def note(store: Store, syncs: Sequence[Rules], messages: Iterable[Message]) -> int:
    """Notes that Customer.io may hold the users that Hull's connector had delivered, and returns how many were noted.

    Their messages must be taken in before. The users are then sent whole, merged, cleared or deleted by the settings,
    as if the connector itself had sent them and had no answer. Users that it has delivered already are left alone.
    """
    people = {each.key: found for each in messages if isinstance(each, Change) and (found := brought(each))}
    concerned: set[str] = set()
    for rules in syncs if people else ():
        with store.writing() as tx:
            concerned |= resend.may_be_held(tx, rules.name, people, rules.targets, store.now(tx))
    return len(concerned)


def _said(change: Change, source: FieldSource) -> Any:
    value = source.find(change.user)
    return None if value is MISSING else value
