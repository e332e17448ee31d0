"""What `connector status` tells: counts over the whole store."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, func, select

from connector.store import claims, counts, events, guard, manual_segments
from connector.store.entities import OBJECT
from connector.store.entities import TABLE as ENTITY
from connector.store.entities import of as of_kind
from connector.store.relations import RELATION


@dataclass(frozen=True, slots=True)
class Overview:
    """One sync in numbers: people Customer.io holds, people due, events owed, and the tallies since the start.

    manual_segments: how many people are in each, by the upstream segment that is mirrored.
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
    tallies: dict[str, int]


def of(connection: Connection, sync: str, mirrors: Collection[str] = ()) -> Overview:
    """The numbers of a sync that mirrors these upstream segments."""
    members: Mapping[str, int] = manual_segments.members(connection, sync) if mirrors else {}
    objects = of_kind(sync, OBJECT)
    objects_due = _count(connection, ENTITY, objects & ENTITY.c.due_at.is_not(None))
    return Overview(
        people=_count(connection, ENTITY, of_kind(sync) & ENTITY.c.delivered.is_not(None)),
        due=claims.due_count(connection, sync) - objects_due,
        events_owed=_count(connection, events.TABLE, (events.TABLE.c.sync == sync) & events.IS_PENDING),
        waiting_for_identifier=_count(connection, ENTITY, (ENTITY.c.sync == sync) & ENTITY.c.waits_for.is_not(None)),
        deletions_held=guard.held(connection, sync),
        manual_segments={mirror: members.get(mirror, 0) for mirror in mirrors},
        objects=_count(connection, ENTITY, objects & ENTITY.c.delivered.is_not(None)),
        objects_due=objects_due,
        relationships=_count(connection, RELATION, RELATION.c.sync == sync),
        tallies=counts.tallies(connection, sync),
    )


def _count(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one())
