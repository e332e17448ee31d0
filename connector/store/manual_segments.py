"""Manual segments that settings name: their ids, once found or made, and why one cannot be sent to.

A row is one segment of one connection. Looking it up is one worker's work at a time: whoever takes the row has it until
look_at, and asks Customer.io whether the segment is there before it makes one, so that none is made twice.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json
from sqlalchemy import Connection, delete, func, select, update

from connector.customerio.segments import Absent, Answer, Fault, Found
from connector.store import problems
from connector.store.entities import TABLE as ENTITY
from connector.store.entities import of, parts
from connector.store.bulk_sql import among, insert
from connector.store.tables import BACKFILL, HELD, ManualSegmentRow

TABLE = ManualSegmentRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a manual segment.

    segment: its id, None where it is not known; reason: why it cannot be sent to, "" where it can or is being looked
    up; for_human: that will not change by itself; look_at: when to look again (unix seconds), None for never.
    """

    segment: int | None = None
    reason: str = ""
    for_human: bool = False
    look_at: float | None = None


def known(connection: Connection, name: str) -> dict[str, Known]:
    """What is known of the manual segments of the connection `name`, by their targets as text."""
    columns = (TABLE.c.target, TABLE.c.segment, TABLE.c.reason, TABLE.c.for_human, TABLE.c.look_at)
    rows = connection.execute(select(*columns).where(TABLE.c.connection == name))
    return {row.target: Known(row.segment, row.reason, row.for_human, row.look_at) for row in rows}


def take(connection: Connection, name: str, target: str, now: float, until: float) -> bool:
    """Takes it upon the caller to look up a manual segment until then; False where somebody else has."""
    row = {"segment": None, "reason": "", "for_human": False, "look_at": until}
    new = insert(connection.dialect.name, TABLE).values(connection=name, target=target, **row)
    taken = new.on_conflict_do_update(
        index_elements=["connection", "target"], set_={"look_at": until}, where=TABLE.c.look_at <= now
    )
    return connection.execute(taken.returning(TABLE.c.target)).first() is not None


def note(connection: Connection, name: str, target: str, answer: Answer, look_at: float | None) -> bool:
    """Writes what came of it, and when to look again where it was not found; whether that is news."""
    before = known(connection, name).get(target, Known())
    match answer:
        case Found(id):
            values: dict[str, Any] = {"segment": id, "reason": "", "for_human": False, "look_at": None}
        case Fault(reason, for_human):
            values = {"reason": reason, "for_human": for_human, "look_at": look_at}
        case Absent():
            values = {"reason": "it is not there", "for_human": True, "look_at": look_at}
    fresh = {"segment": None, **values}
    new = insert(connection.dialect.name, TABLE).values(connection=name, target=target, **fresh)
    connection.execute(new.on_conflict_do_update(index_elements=["connection", "target"], set_=values))
    return before.reason != str(values["reason"])


def look_again(connection: Connection, sync: str, name: str, targets: Collection[str]) -> None:
    """Forgets why these manual segments cannot be sent to: each is looked up, and tried, as if it were new."""
    mine = (TABLE.c.connection == name) & TABLE.c.target.in_(targets) & (TABLE.c.reason != "")
    connection.execute(delete(TABLE).where(mine))
    solved(connection, sync)


def solved(connection: Connection, sync: str, subject: str = "") -> None:
    """Takes the problems of a sync's manual segments from the list: of one, or of all."""
    mine = (problems.TABLE.c.sync == sync) & (problems.TABLE.c.kind == "segment")
    connection.execute(delete(problems.TABLE).where(mine & (problems.TABLE.c.subject == subject) if subject else mine))


def wait(connection: Connection, sync: str, keys: Collection[str], at: float) -> None:
    """Makes these users due then, behind what is live, if nothing else makes them due before."""
    for part in parts(keys):
        free = ENTITY.c.due_at.is_(None) & ENTITY.c.waits_for.is_(None) & (ENTITY.c.lane != HELD)
        mine = of(sync) & among(connection, ENTITY.c.key, part) & free
        connection.execute(select(ENTITY.c.key).where(mine).order_by(ENTITY.c.key).with_for_update()).all()
        connection.execute(update(ENTITY).where(mine).values(due_at=at, lane=BACKFILL))


def members(connection: Connection, sync: str) -> Mapping[str, int]:
    """How many people Customer.io has confirmed in each mirror, by its upstream segment; a look at the whole table."""
    counted = select(ENTITY.c.memberships, func.count()).where(of(sync), ENTITY.c.memberships.is_not(None))
    found: dict[str, int] = {}
    for text, count in connection.execute(counted.group_by(ENTITY.c.memberships)):
        for mirror, inside in from_json(text).items():
            found[mirror] = found.get(mirror, 0) + (count if inside else 0)
    return found
