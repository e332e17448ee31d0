"""Erases a user: their rows are found by any name they go by, leased so that nobody sends for them, and deleted.

What else mentions them is found by `mentions`. A search looks at whole tables: it takes seconds for a million people,
and runs only when a human asks for it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, null, or_, select, update

from connector.audience.rules import Rules
from connector.model.entity import Entity, Identifier, Unconfirmed
from connector.model.problem import Problem
from connector.store import (
    approvals,
    identifier_holders,
    jobs,
    mentions,
    name_search,
    problems,
    relationships,
    sources,
    tallies,
)
from connector.store.entities import PERSON, TABLE, entity_of, of
from connector.store.mentions import Erased, Traces
from connector.store.name_search import KnownBy

_IDENTITY = identifier_holders.TABLE
_TYPES = ("id", "email", "cio_id")
_HOLDS: frozenset[KnownBy] = frozenset({"identifier"})
_SAID: frozenset[KnownBy] = frozenset({"said"})


class NameMatch(NamedTuple):
    """A user of a sync, and how they are known there by the name that was asked for."""

    sync: str
    key: str
    known: frozenset[KnownBy]


class UserRow(NamedTuple):
    """A user's row in a sync."""

    sync: str
    entity: Entity


@dataclass(frozen=True, slots=True)
class Busy:
    """The answer where another holds the lease on this user, for at most this many seconds more."""

    seconds: float


def find(tx: Connection, user: str, sync: str = "") -> list[NameMatch]:
    """Returns everybody with the name `user`, in one sync or in all."""
    holding = holders(tx, user)
    columns = (TABLE.c.key, TABLE.c.facts, TABLE.c.delivered, TABLE.c.tried)
    spoken_of = or_(*(name_search.may_mention(column, [user]) for column in columns))
    maybe = or_(spoken_of, TABLE.c.key.in_(sorted({key for _, key in holding})))
    found: list[NameMatch] = []
    for row in _rows(tx, maybe, sync):
        holds = _HOLDS if (row.sync, row.entity.key) in holding else frozenset()
        known = name_search.known_as(row.entity, user) | holds
        if row.entity.unreadable and not known:
            known = _SAID  # its text has the name somewhere, which is all that can be known
        found += [NameMatch(row.sync, row.entity.key, known)] if known else []
    return found


def rows(tx: Connection, key: str, sync: str = "") -> list[UserRow]:
    """Returns the rows of the user with this key, in one sync or in all."""
    return list(_rows(tx, TABLE.c.key == key, sync))


def _rows(tx: Connection, which: ColumnElement[bool], sync: str) -> Iterator[UserRow]:
    found = select(TABLE).where(TABLE.c.kind == PERSON, which).order_by(TABLE.c.sync, TABLE.c.key)
    for row in tx.execute(found.where(TABLE.c.sync == sync) if sync else found):
        yield UserRow(row.sync, entity_of(row, row.doubt))


def holders(tx: Connection, user: str) -> set[tuple[str, str]]:
    """Returns the users who hold an identifier of that value, of any type, as (sync, key)."""
    texts = [f"{type}:{user.lower() if type == 'email' else user}" for type in _TYPES]
    rows = select(_IDENTITY.c.sync, _IDENTITY.c.key).where(_IDENTITY.c.identifier.in_(texts))
    return {(row.sync, row.key) for row in tx.execute(rows)}


def claim(tx: Connection, sync: str, key: str, lease: str, now: float, seconds: float) -> Entity | Busy | None:
    """Leases a user's row, due or not. As with each claim the row's doubt is raised; the entity's is as before.

    Args:
        tx: A transaction that writes.
        sync: The sync, by its name.
        key: The user's key.
        lease: The name of the lease.
        now: The store's time, in unix seconds.
        seconds: How long the lease holds.

    Returns:
        The user; `Busy` while somebody else has them; None if there is no such user.
    """
    mine = of(sync) & (TABLE.c.key == key)
    row = tx.execute(select(TABLE).where(mine).with_for_update()).one_or_none()
    if row is None:
        return None
    if row.lease is not None and row.leased_until >= now:
        return Busy(row.leased_until - now)
    leased = {"lease": lease, "leased_until": now + seconds, "doubt": TABLE.c.doubt + 1}
    tx.execute(update(TABLE).where(mine).values(leased))
    entity = entity_of(row, row.doubt)
    return _with_what_is_held(tx, sync, entity) if entity.unreadable else entity


def _with_what_is_held(tx: Connection, sync: str, entity: Entity) -> Entity:
    """Returns an entity whose row cannot be read as one who may be there under each identifier that they hold."""
    texts = (each.partition(":") for each in _held(tx, sync, entity.key))
    held = tuple(Identifier(type, value) for type, _, value in texts)
    return replace(entity, tried=entity.tried | Unconfirmed(held), doubt=max(entity.doubt, 1))


def give_back(tx: Connection, sync: str, key: str, lease: str, *, sent: bool) -> None:
    """Ends a lease, if the row still has it.

    Args:
        tx: A transaction that writes.
        sync: The sync, by its name.
        key: The user's key.
        lease: The name of the lease.
        sent: Whether something may have gone out, so that doubt stays.
    """
    mine = of(sync) & (TABLE.c.key == key) & (TABLE.c.lease == lease)
    doubt = TABLE.c.doubt if sent else TABLE.c.doubt - 1
    tx.execute(update(TABLE).where(mine).values(lease=null(), leased_until=null(), doubt=doubt))


def erase(
    tx: Connection, sync: str, key: str, lease: str, found: Traces, now: float, rules: Rules | None = None
) -> Erased | None:
    """Deletes a user's row and what mentions them in the sync.

    Identifiers that they held go to the users who wait for them.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        key: the user's key.
        lease: the id of the claim.
        found: what mentions the user.
        now: unix seconds, by the store's clock.
        rules: the settings of the sync, None if the settings have no such sync any more.

    Returns:
        How much was erased, None if the lease is lost.
    """
    mine = of(sync) & (TABLE.c.key == key)
    row = tx.execute(select(TABLE.c.lease).where(mine).with_for_update()).one_or_none()
    if row is None or row.lease != lease:
        return None
    tx.execute(delete(TABLE).where(mine))  # first: a user who is gone waits for no identifier
    relationships.forget(tx, sync, key)
    held = _held(tx, sync, key)
    identifier_holders.release(tx, sync, [(each, key) for each in held], now, rules)
    _step_back(tx, sync, key)
    tallies.tally(tx, {sync: {"forgotten": 1}}, now)
    sources.erase(tx, key)
    approvals.forget(tx, sync, key)
    of_traces = mentions.erase(tx, sync, key, found)
    handed_on = _heirs(tx, sync, held)
    problems.add(tx, sync, _conflicts(tx, sync, held), now)
    return of_traces._replace(people=1, identifiers=len(held), handed_on=handed_on)


def _held(tx: Connection, sync: str, key: str) -> list[str]:
    rows = select(_IDENTITY.c.identifier).where(_IDENTITY.c.sync == sync, _IDENTITY.c.key == key)
    return list(tx.execute(rows).scalars())


def _heirs(tx: Connection, sync: str, identifiers: Collection[str]) -> tuple[str, ...]:
    """Returns the keys of the users who hold these identifiers now."""
    rows = select(_IDENTITY.c.key).where(_IDENTITY.c.sync == sync, _IDENTITY.c.identifier.in_(identifiers))
    return tuple(sorted(tx.execute(rows).scalars()))


def _conflicts(tx: Connection, sync: str, identifiers: Collection[str]) -> list[Problem]:
    """Returns the problems of those who still wait for these identifiers, naming the users who hold them now."""
    holder = and_(_IDENTITY.c.sync == TABLE.c.sync, _IDENTITY.c.identifier == TABLE.c.waits_for)
    waiting = select(TABLE.c.key, TABLE.c.waits_for, _IDENTITY.c.key.label("holder")).join(_IDENTITY, holder)
    rows = tx.execute(waiting.where(of(sync), TABLE.c.waits_for.in_(identifiers)))
    return [identifier_holders.conflict(row.key, row.waits_for, row.holder) for row in rows]


def _step_back(tx: Connection, sync: str, key: str) -> None:
    """Moves the jobs whose position is this key back to the key before it."""
    before = select(func.coalesce(func.max(TABLE.c.key), "")).where(of(sync), TABLE.c.key < key).scalar_subquery()
    there = (jobs.TABLE.c.sync == sync) & (jobs.TABLE.c.position == key)
    tx.execute(update(jobs.TABLE).where(there).values(position=before))
