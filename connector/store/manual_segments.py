"""Keeps the manual segments that settings name: their ids, once found or made, and why one cannot be sent to.

A row is one segment of one connection. One worker at a time looks it up: the worker that takes the row has it until
look_at, and asks Customer.io whether the segment is there before it makes one, so that none is made twice.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from connector.customerio.segments import Absent, FoundSegment, SegmentAnswer, SegmentFault
from connector.store import encoding, problems
from connector.store.bulk_sql import among, insert
from connector.store.entities import TABLE as ENTITY
from connector.store.entities import of, parts
from connector.store.tables import BACKFILL, HELD, ManualSegmentRow

TABLE = ManualSegmentRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


@dataclass(frozen=True, slots=True)
class KnownSegment:
    """A manual segment as it is known.

    segment: its id, None if it is not known; reason: why it cannot be sent to, "" if it can or is being looked
    up; for_human: that will not change by itself; look_at: when to look again (unix seconds), None for never.
    """

    segment: int | None = None
    reason: str = ""
    for_human: bool = False
    look_at: float | None = None


def known(tx: Connection, name: str) -> dict[str, KnownSegment]:
    """Returns what is known of the manual segments of the connection `name`, by their targets as text."""
    columns = (TABLE.c.target, TABLE.c.segment, TABLE.c.reason, TABLE.c.for_human, TABLE.c.look_at)
    rows = tx.execute(select(*columns).where(TABLE.c.connection == name))
    return {row.target: KnownSegment(row.segment, row.reason, row.for_human, row.look_at) for row in rows}


def take(tx: Connection, name: str, target: str, now: float, until: float) -> bool:
    """Takes the lease on looking up a manual segment, and says whether it did.

    Args:
        tx: A transaction that writes.
        name: The connection, by its name.
        target: The manual segment, as the settings name it.
        now: The store's time, in unix seconds.
        until: The end of the lease, in unix seconds of the store.

    Returns:
        False if somebody else has taken the look-up.
    """
    row = {"segment": None, "reason": "", "for_human": False, "look_at": until}
    new = insert(tx.dialect.name, TABLE).values(connection=name, target=target, **row)
    taken = new.on_conflict_do_update(
        index_elements=["connection", "target"], set_={"look_at": until}, where=TABLE.c.look_at <= now
    )
    return tx.execute(taken.returning(TABLE.c.target)).first() is not None


def note(tx: Connection, name: str, target: str, answer: SegmentAnswer, look_at: float | None) -> bool:
    """Writes the outcome of a look-up.

    Args:
        tx: A transaction that writes.
        name: The connection, by its name.
        target: The manual segment, as the settings name it.
        answer: What Customer.io said.
        look_at: When to look again if it was not found, in unix seconds of the store; None for never.

    Returns:
        Whether the reason has changed.
    """
    before = known(tx, name).get(target, KnownSegment())
    match answer:
        case FoundSegment(id):
            values: dict[str, Any] = {"segment": id, "reason": "", "for_human": False, "look_at": None}
        case SegmentFault(reason, for_human):
            values = {"reason": reason, "for_human": for_human, "look_at": look_at}
        case Absent():
            values = {"reason": "it is not there", "for_human": True, "look_at": look_at}
    fresh = {"segment": None, **values}
    new = insert(tx.dialect.name, TABLE).values(connection=name, target=target, **fresh)
    tx.execute(new.on_conflict_do_update(index_elements=["connection", "target"], set_=values))
    return before.reason != str(values["reason"])


def look_again(tx: Connection, sync: str, name: str, targets: Collection[str]) -> None:
    """Deletes manual segments that cannot be sent to, and their problems: each is looked up again as if it were new.

    Args:
        tx: A transaction that writes.
        sync: The sync, by its name.
        name: The connection, by its name.
        targets: The manual segments, as the settings name them.
    """
    mine = (TABLE.c.connection == name) & TABLE.c.target.in_(targets) & (TABLE.c.reason != "")
    tx.execute(delete(TABLE).where(mine))
    solved(tx, sync)


def solved(tx: Connection, sync: str, subject: str = "") -> None:
    """Deletes the problems of a sync's manual segments: of one, or of all."""
    mine = (problems.TABLE.c.sync == sync) & (problems.TABLE.c.kind == "segment")
    tx.execute(delete(problems.TABLE).where(mine & (problems.TABLE.c.subject == subject) if subject else mine))


def wait(tx: Connection, sync: str, keys: Collection[str], at: float) -> None:
    """Makes users due at a later time, behind live changes, unless they are due, held, or wait for an identifier.

    Args:
        tx: A transaction that writes.
        sync: The sync, by its name.
        keys: The users' keys.
        at: When, in unix seconds of the store.
    """
    for part in parts(keys):
        free = ENTITY.c.due_at.is_(None) & ENTITY.c.waits_for.is_(None) & (ENTITY.c.lane != HELD)
        mine = of(sync) & among(tx, ENTITY.c.key, part) & free
        tx.execute(select(ENTITY.c.key).where(mine).order_by(ENTITY.c.key).with_for_update()).all()
        tx.execute(update(ENTITY).where(mine).values(due_at=at, lane=BACKFILL))


def members(tx: Connection, sync: str) -> Mapping[str, int]:
    """Returns how many people Customer.io has confirmed in each manual segment, by the upstream segment it mirrors.

    This reads the whole table.
    """
    counted = select(ENTITY.c.memberships, func.count()).where(of(sync), ENTITY.c.memberships.is_not(None))
    found: dict[str, int] = {}
    for text, count in tx.execute(counted.group_by(ENTITY.c.memberships)):
        with suppress(encoding.CorruptError):
            for mirror, inside in encoding.memberships_of(text).items():
                found[mirror] = found.get(mirror, 0) + (count if inside else 0)
    return found
