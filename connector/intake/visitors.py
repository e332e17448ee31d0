"""Visitors who turn out to be users: what they are related to reaches the person once it is known who they are.

A call with an `anonymousId` alone is about a visitor, who has a row of their own. A message that names both a user and
a visitor joins the two: from then on the user has the relationships of the visitor, each by its version, also those of
calls that come later. Events of visitors need no joining: Customer.io does that (docs/customerio.md#anonymous-events).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from connector.audience.leads import AboutWhom
from connector.audience.rules import Rules
from connector.model.change import Change
from connector.model.entity import Facts
from connector.model.identifiers import VISITOR
from connector.model.versioned import VersionedMap
from connector.store import facts as stored_facts
from connector.store import identifier_holders, visitor_locks


def one_batch_at_a_time(tx: Connection, syncs: Sequence[Rules], changes: Iterable[Change]) -> None:
    """Makes batches that speak of one visitor wait for one another, if a sync has relationships.

    What a visitor is related to, and who they are, may come in two batches at once: neither would see the other.
    """
    if any(rules.objects for rules in syncs):
        visitor_locks.wait_for_others(tx, filter(None, map(_visitor, changes)))


def _visitor(change: Change) -> str | None:
    if change.key.startswith(VISITOR):
        return change.key.removeprefix(VISITOR)
    return change.anonymous_id


def known_users(tx: Connection, sync: str, keys: Iterable[str]) -> Mapping[str, str]:
    """Returns the users whom visitors among these keys turned out to be before, by the visitors' keys."""
    visitors = [key for key in keys if key.startswith(VISITOR)]
    return identifier_holders.holders(tx, sync, visitors) if visitors else {}


def join(tx: Connection, sync: str, told: AboutWhom, known: Mapping[str, str], facts: dict[str, Facts]) -> None:
    """Gives users the relationships of the visitors that they are.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        told: the batch.
        known: what `known_users` said of it.
        facts: those of the batch's users and of the known ones, after the batch; is changed.
    """
    named = _named(told)
    if named:
        identifier_holders.hold(tx, sync, {visitor: [user] for visitor, user in named.items()})
    both = {**{visitor: user for visitor, user in known.items() if visitor in facts}, **named}
    if not both:
        return
    related = _relationships(tx, sync, both, facts)
    for visitor, user in sorted(both.items()):
        if user in facts and visitor in related:
            joined = facts[user].relationships.joined(related[visitor])
            facts[user] = facts[user]._replace(relationships=joined)


def _named(told: AboutWhom) -> dict[str, str]:
    """Returns the users by the keys of the visitors that messages name beside them."""
    return {
        VISITOR + change.anonymous_id: key
        for change, key in zip(told.changes, told.keys, strict=True)
        if change.anonymous_id is not None and not key.startswith(VISITOR) and change.merged_into is None
    }


def _relationships(
    tx: Connection, sync: str, visitors: Collection[str], facts: Mapping[str, Facts]
) -> dict[str, VersionedMap]:
    """Returns what visitors are related to: as the batch leaves it, else as it is stored."""
    found = {key: facts[key].relationships for key in visitors if key in facts}
    stored = stored_facts.read(tx, sync, [key for key in visitors if key not in facts])
    found |= {key: each.relationships for key, each in stored.items()}
    return {key: register for key, register in found.items() if register.values}
