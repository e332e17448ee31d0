"""Erasing a user: their rows are found by any name they go by, leased so that nobody sends for them, and deleted.

What else speaks of them is found by `traces`. Searching looks at whole tables: that is seconds for a million people,
and happens when a human asks for it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, null, or_, select, update

from connector.store import name_search as mention
from connector.model.entity import Entity
from connector.store.name_search import Known
from connector.model.problem import Problem
from connector.store import counts, identities, jobs, problems, relations, sources, traces
from connector.store.entities import PERSON, TABLE, entity_of, of
from connector.store.mentions import Erased, Traces

_IDENTITY = identities.TABLE
_TYPES = ("id", "email", "cio_id")
_HOLDS: frozenset[Known] = frozenset({"identifier"})


class Match(NamedTuple):
    """A user of a sync, and how they are known there by the name that was asked for."""

    sync: str
    key: str
    known: frozenset[Known]


class Row(NamedTuple):
    """A user's row in a sync."""

    sync: str
    entity: Entity


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody else is sending for this user, for so many seconds more at the most."""

    seconds: float


def find(connection: Connection, user: str, sync: str = "") -> list[Match]:
    """Everybody who is known by the name `user`, in one sync or in all."""
    holding = _holders(connection, user)
    columns = (TABLE.c.key, TABLE.c.facts, TABLE.c.delivered, TABLE.c.tried)
    spoken_of = or_(*(traces.may_mention(column, [user]) for column in columns))
    maybe = or_(spoken_of, TABLE.c.key.in_(sorted({key for _, key in holding})))
    found: list[Match] = []
    for row in _rows(connection, maybe, sync):
        holds = _HOLDS if (row.sync, row.entity.key) in holding else frozenset()
        known = mention.known_as(row.entity, user) | holds
        found += [Match(row.sync, row.entity.key, known)] if known else []
    return found


def rows(connection: Connection, key: str, sync: str = "") -> list[Row]:
    """The rows of the user with this key, in one sync or in all."""
    return list(_rows(connection, TABLE.c.key == key, sync))


def _rows(connection: Connection, which: ColumnElement[bool], sync: str) -> Iterator[Row]:
    found = select(TABLE).where(TABLE.c.kind == PERSON, which).order_by(TABLE.c.sync, TABLE.c.key)
    for row in connection.execute(found.where(TABLE.c.sync == sync) if sync else found):
        yield Row(row.sync, entity_of(row, row.doubt))


def _holders(connection: Connection, user: str) -> set[tuple[str, str]]:
    """Who holds an identifier of that value, whatever its type, as (sync, key)."""
    texts = [f"{type}:{user.lower() if type == 'email' else user}" for type in _TYPES]
    rows = select(_IDENTITY.c.sync, _IDENTITY.c.key).where(_IDENTITY.c.identifier.in_(texts))
    return {(row.sync, row.key) for row in connection.execute(rows)}


def claim(connection: Connection, sync: str, key: str, lease: str, now: float, seconds: float) -> Entity | Busy | None:
    """Leases this user's row for `seconds`, due or not; None where there is none.

    As with each claim doubt is raised, and the entity's is as it was before.
    """
    mine = of(sync) & (TABLE.c.key == key)
    row = connection.execute(select(TABLE).where(mine).with_for_update()).one_or_none()
    if row is None:
        return None
    if row.lease is not None and row.leased_until >= now:
        return Busy(row.leased_until - now)
    leased = {"lease": lease, "leased_until": now + seconds, "doubt": TABLE.c.doubt + 1}
    connection.execute(update(TABLE).where(mine).values(leased))
    return entity_of(row, row.doubt)


def give_back(connection: Connection, sync: str, key: str, lease: str, *, sent: bool) -> None:
    """Ends the lease, if the row still has it. `sent`: something may have gone out, so that doubt stays."""
    mine = of(sync) & (TABLE.c.key == key) & (TABLE.c.lease == lease)
    doubt = TABLE.c.doubt if sent else TABLE.c.doubt - 1
    connection.execute(update(TABLE).where(mine).values(lease=null(), leased_until=null(), doubt=doubt))


def erase(connection: Connection, sync: str, key: str, lease: str, found: Traces, now: float) -> Erased | None:
    """Deletes the user's row and whatever speaks of them in the sync; None where the lease is not on it any more.

    Identifiers that they held go to whoever waits for them.
    """
    mine = of(sync) & (TABLE.c.key == key)
    row = connection.execute(select(TABLE.c.lease).where(mine).with_for_update()).one_or_none()
    if row is None or row.lease != lease:
        return None
    connection.execute(delete(TABLE).where(mine))  # first: who is gone waits for no identifier
    relations.forget(connection, sync, key)
    held = _held(connection, sync, key)
    identities.release(connection, sync, [(each, key) for each in held], now)
    _step_back(connection, sync, key)
    counts.tally(connection, {sync: {"forgotten": 1}})
    sources.erase(connection, key)
    of_traces = traces.erase(connection, sync, key, found)
    handed_on = _heirs(connection, sync, held)
    problems.add(connection, sync, _conflicts(connection, sync, held), now)
    return of_traces._replace(people=1, identifiers=len(held), handed_on=handed_on)


def _held(connection: Connection, sync: str, key: str) -> list[str]:
    rows = select(_IDENTITY.c.identifier).where(_IDENTITY.c.sync == sync, _IDENTITY.c.key == key)
    return list(connection.execute(rows).scalars())


def _heirs(connection: Connection, sync: str, identifiers: Collection[str]) -> tuple[str, ...]:
    """Who holds these identifiers now."""
    rows = select(_IDENTITY.c.key).where(_IDENTITY.c.sync == sync, _IDENTITY.c.identifier.in_(identifiers))
    return tuple(sorted(connection.execute(rows).scalars()))


def _conflicts(connection: Connection, sync: str, identifiers: Collection[str]) -> list[Problem]:
    """The problems of those who wait on, which named the user: now they name who got the identifier."""
    holder = and_(_IDENTITY.c.sync == TABLE.c.sync, _IDENTITY.c.identifier == TABLE.c.waits_for)
    waiting = select(TABLE.c.key, TABLE.c.waits_for, _IDENTITY.c.key.label("holder")).join(_IDENTITY, holder)
    rows = connection.execute(waiting.where(of(sync), TABLE.c.waits_for.in_(identifiers)))
    too = "is the identifier of the user {!r} too: this one is not sent"
    return [Problem("conflict", row.key, f"{row.waits_for} {too.format(row.holder)}") for row in rows]


def _step_back(connection: Connection, sync: str, key: str) -> None:
    """A job that has come as far as this key has come as far as the one before it."""
    before = select(func.coalesce(func.max(TABLE.c.key), "")).where(of(sync), TABLE.c.key < key).scalar_subquery()
    there = (jobs.TABLE.c.sync == sync) & (jobs.TABLE.c.position == key)
    connection.execute(update(jobs.TABLE).where(there).values(position=before))
