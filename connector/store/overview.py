"""Counts what `connector status` shows of the whole store, and what a page shows of it at a glance."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Connection, ScalarSelect, Table, case, func, select

from connector.store import claims, deletion_guard, events, freshness, manual_segments, samples
from connector.store import tallies as counts
from connector.store.entities import OBJECT
from connector.store.entities import TABLE as ENTITY
from connector.store.entities import of as of_kind
from connector.store.relationships import RELATION
from connector.store.statements import SQLITE, planned_rows

COUNTED_TO = 10_000
"""The number to which a glance counts: one more stands for any higher number."""
Counted = Literal["exactly", "about", "at least"]


@dataclass(frozen=True, slots=True)
class Overview:
    """The numbers of a sync: people Customer.io holds, people due, events owed, and the tallies since the start.

    manual_segments: how many people are in each, by the upstream segment that is mirrored. oldest_due_at: since when
    the entity due the longest waits, in unix seconds, bulk loads left out.
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


@dataclass(frozen=True, slots=True)
class Glance:
    """The numbers of a sync that can be read fast.

    people: how many Customer.io holds, and how that is known. due, objects_due, deletions_held: none is counted beyond
    `COUNTED_TO`, so one more than that stands for any number above it. oldest_due_at: as in `Overview`, and for
    somebody whose requests failed the time since when they wait.
    """

    people: int
    people_counted: Counted
    due: int
    objects_due: int
    deletions_held: int
    oldest_due_at: float | None


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


def at_a_glance(tx: Connection, sync: str) -> Glance:
    """Returns the numbers of a sync that a page shows, in bounded time: nothing is counted far beyond COUNTED_TO."""
    due = ENTITY.c.due_at.is_not(None)
    found = select(
        _bounded(of_kind(sync) & due), _bounded(of_kind(sync, OBJECT) & due), _bounded(deletion_guard.is_held(sync))
    )
    people_due, objects_due, held = tx.execute(found).one()
    return Glance(*_people(tx, sync), people_due, objects_due, held, freshness.oldest(tx, sync))


def _bounded(condition: ColumnElement[bool]) -> ScalarSelect[int]:
    first = select(1).select_from(ENTITY).where(condition).limit(COUNTED_TO + 1).subquery()
    return select(func.count()).select_from(first).scalar_subquery()


def _people(tx: Connection, sync: str) -> tuple[int, Counted]:
    """Returns how many people are held, and how that is known: there is no index, so only a small table is counted."""
    if samples.estimated_rows(tx) > COUNTED_TO:
        return _estimated_people(tx, sync), "about"
    held = of_kind(sync) & ENTITY.c.delivered.is_not(None)
    first = select(case((held, 1), else_=0).label("held")).limit(COUNTED_TO + 1).subquery()
    rows, people = tx.execute(select(func.count(), func.coalesce(func.sum(first.c.held), 0))).one()
    if rows <= COUNTED_TO:
        return people, "exactly"
    return (people, "at least") if tx.dialect.name == SQLITE else (_estimated_people(tx, sync), "about")


def _estimated_people(tx: Connection, sync: str) -> int:
    return planned_rows(tx, select(1).where(of_kind(sync) & ENTITY.c.delivered.is_not(None)))


def _count(tx: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return int(tx.execute(select(func.count()).select_from(table).where(condition)).scalar_one())
