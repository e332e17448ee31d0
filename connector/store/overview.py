"""Counts over the whole store what `connector status` shows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, func, select

from connector.store import claims, deletion_guard, events, manual_segments
from connector.store import tallies as counts
from connector.store.entities import OBJECT
from connector.store.entities import TABLE as ENTITY
from connector.store.entities import of as of_kind
from connector.store.relationships import RELATION


@dataclass(frozen=True, slots=True)
class Overview:
    """One sync in numbers: people Customer.io holds, people due, events owed, and the tallies since the start.

    manual_segments: how many people are in each, by the upstream segment that is mirrored. oldest_due_at: since when
    whoever is due the longest waits, in unix seconds, bulk loads aside.
    """

    people: int
    due: int
    events_owed: int
    waiting_for_identifier: int
    deletions_held: int
    manual_segments: dict[str, int]
    objects: int
    objects_due: int
    relationships: int
    oldest_due_at: float | None
    tallies: dict[str, int]


def of(tx: Connection, sync: str, mirrors: Collection[str] = ()) -> Overview:
    """Returns the numbers of a sync that mirrors these upstream segments."""
    members: Mapping[str, int] = manual_segments.members(tx, sync) if mirrors else {}
    objects = of_kind(sync, OBJECT)
    objects_due = _count(tx, ENTITY, objects & ENTITY.c.due_at.is_not(None))
    return Overview(
        people=_count(tx, ENTITY, of_kind(sync) & ENTITY.c.delivered.is_not(None)),
        due=claims.due_count(tx, sync) - objects_due,
        events_owed=_count(tx, events.TABLE, (events.TABLE.c.sync == sync) & events.IS_PENDING),
        waiting_for_identifier=_count(tx, ENTITY, (ENTITY.c.sync == sync) & ENTITY.c.waits_for.is_not(None)),
        deletions_held=deletion_guard.held(tx, sync),
        manual_segments={mirror: members.get(mirror, 0) for mirror in mirrors},
        objects=_count(tx, ENTITY, objects & ENTITY.c.delivered.is_not(None)),
        objects_due=objects_due,
        relationships=_count(tx, RELATION, RELATION.c.sync == sync),
        oldest_due_at=claims.oldest_due(tx, sync),
        tallies=counts.tallies(tx, sync),
    )


def _count(tx: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return int(tx.execute(select(func.count()).select_from(table).where(condition)).scalar_one())
