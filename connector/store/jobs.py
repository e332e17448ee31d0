"""Jobs: long pieces of work, each a row that says how far it has come."""

from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, insert, select, text, update

from connector.model.job import Job, State
from connector.store.tables import JobRow

TABLE = JobRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def begin_alone(connection: Connection) -> None:
    """Lets nobody else begin, or change, a job until the transaction ends: SQLite has one writer anyway."""
    if connection.dialect.name != "sqlite":
        connection.execute(text("LOCK TABLE job IN SHARE ROW EXCLUSIVE MODE"))


def add(connection: Connection, job: Job) -> None:
    """Adds a job."""
    connection.execute(insert(TABLE).values(id=job.id, sync=job.sync, kind=job.kind, **_moving(job)))


def save(connection: Connection, job: Job) -> None:
    """Writes how far the job has come."""
    connection.execute(update(TABLE).where(TABLE.c.id == job.id).values(_moving(job)))


def _moving(job: Job) -> dict[str, Any]:
    return {
        "state": job.state,
        "position": job.position,
        "total": job.total,
        "done": job.done,
        "per_second": job.per_second,
        "counts": to_json(job.counts).decode(),
        "created_at": job.created_at,
        "updated_at": job.updated_at,
    }


def find(
    connection: Connection,
    *,
    id: str = "",
    sync: str = "",
    kind: str = "",
    states: Sequence[State] = (),
    limit: int = 100,
) -> list[Job]:
    """Jobs, the latest first: all, or those whose id begins with `id`, of that sync, kind, and in one of the states."""
    found = select(TABLE).order_by(TABLE.c.created_at.desc(), TABLE.c.id).limit(limit)
    if id:
        found = found.where(TABLE.c.id.startswith(id, autoescape=True))
    if sync:
        found = found.where(TABLE.c.sync == sync)
    if kind:
        found = found.where(TABLE.c.kind == kind)
    if states:
        found = found.where(TABLE.c.state.in_(states))
    return [_job(row) for row in connection.execute(found)]


def take(connection: Connection, id: str) -> Job | None:
    """The running job, locked until the transaction ends; None where it is not running, or another has it."""
    mine = select(TABLE).where(TABLE.c.id == id, TABLE.c.state == "running").with_for_update(skip_locked=True)
    row = connection.execute(mine).one_or_none()
    return None if row is None else _job(row)


def turn(connection: Connection, id: str, states: Sequence[State], state: State, now: float) -> bool:
    """Puts a job that is in one of `states` into `state`; False where it was in none of them."""
    mine = update(TABLE).where(TABLE.c.id == id, TABLE.c.state.in_(states))
    return connection.execute(mine.values(state=state, updated_at=now)).rowcount > 0


def _job(row: Any) -> Job:
    counts: dict[str, int] = from_json(row.counts)
    return Job(
        id=row.id,
        sync=row.sync,
        kind=row.kind,
        state=row.state,
        position=row.position,
        total=row.total,
        done=row.done,
        per_second=row.per_second,
        counts=counts,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
