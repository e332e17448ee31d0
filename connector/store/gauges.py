"""Reads what is to be measured of the whole, without looking through the people: only what is due, owed or held."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from connector.store import claims, connection_health, deletion_guard, events, heartbeats, problems, tallies
from connector.store.connection_health import Health
from connector.store.entities import OBJECT, PERSON, of
from connector.store.entities import TABLE as ENTITY


class SyncGauges(NamedTuple):
    """The gauges of a sync: people and objects due, seconds the first waits, events owed, deletions held, conflicts."""

    people_due: int
    objects_due: int
    oldest_seconds: float
    events_owed: int
    deletions_held: int
    waiting_for_identifier: int


class Gauges(NamedTuple):
    """All gauges at one moment of the store, `now` in unix seconds. processes: how many are alive, by role."""

    now: float
    syncs: Mapping[str, SyncGauges]
    connections: Mapping[str, Health]
    counts: Mapping[str, Mapping[str, int]]
    problems: Mapping[str, int]
    processes: Mapping[str, int]
    queues_held: frozenset[str]


def read(tx: Connection, now: float, syncs: Iterable[str], connections: Iterable[str]) -> Gauges:
    """Reads the gauges.

    Args:
        tx: A transaction.
        now: The store's time, in unix seconds.
        syncs: The syncs of the settings.
        connections: The connections of the settings.

    Returns:
        The gauges of them all.
    """
    roles: dict[str, int] = {}
    for each in heartbeats.known(tx):
        roles[each.role] = roles.get(each.role, 0) + each.lives(now)
    return Gauges(
        now,
        {name: _sync(tx, name, now) for name in syncs},
        {name: connection_health.health(tx, name) for name in connections},
        tallies.all_tallies(tx),
        problems.by_kind(tx),
        roles,
        frozenset(each.problem.subject for each in problems.of_every_sync(tx, "queue")),
    )


def _sync(tx: Connection, sync: str, now: float) -> SyncGauges:
    due = select(ENTITY.c.kind, func.count()).where(ENTITY.c.sync == sync, ENTITY.c.due_at.is_not(None))
    by_kind: dict[str, int] = {row[0]: int(row[1]) for row in tx.execute(due.group_by(ENTITY.c.kind))}
    oldest = claims.oldest_due(tx, sync)
    owed = select(func.count()).select_from(events.TABLE).where(events.TABLE.c.sync == sync, events.IS_PENDING)
    waiting = select(func.count()).select_from(ENTITY).where(of(sync), ENTITY.c.waits_for.is_not(None))
    return SyncGauges(
        by_kind.get(PERSON, 0),
        by_kind.get(OBJECT, 0),
        0.0 if oldest is None else max(now - oldest, 0.0),
        int(tx.execute(owed).scalar_one()),
        deletion_guard.held(tx, sync),
        int(tx.execute(waiting).scalar_one()),
    )
