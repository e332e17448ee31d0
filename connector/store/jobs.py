"""Keeps jobs: long pieces of work, each a row that says how far it has come."""

from collections.abc import Sequence
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, insert, or_, select, text, update

from connector.model.job import Job, JobState
from connector.store.tables import JobRow

TABLE = JobRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def begin_alone(tx: Connection) -> None:
    """Keeps others from beginning or changing a job until the transaction ends. SQLite has one writer anyway."""
    if tx.dialect.name != "sqlite":
        tx.execute(text("LOCK TABLE job IN SHARE ROW EXCLUSIVE MODE"))


def add(tx: Connection, job: Job) -> None:
    """Adds a job."""
    said = {"id": job.id, "sync": job.sync, "kind": job.kind, "started_by": job.started_by, "asked": job.asked}
    tx.execute(insert(TABLE).values({name: value or None for name, value in said.items()} | _moving(job)))


def save(tx: Connection, job: Job) -> None:
    """Writes how far the job has come."""
    tx.execute(update(TABLE).where(TABLE.c.id == job.id).values(_moving(job)))


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
    tx: Connection,
    *,
    id: str = "",
    sync: str = "",
    kind: str = "",
    states: Sequence[JobState] = (),
    limit: int = 100,
) -> list[Job]:
    """Returns jobs, the latest first.

    Args:
        tx: A transaction.
        id: The beginning of their ids; "" for all.
        sync: Only those of this sync; "" for all.
        kind: Only those of this kind; "" for all.
        states: Only those in one of these states; none for all.
        limit: The most jobs to return.
    """
    found = select(TABLE).order_by(TABLE.c.created_at.desc(), TABLE.c.id).limit(limit)
    if id:
        found = found.where(TABLE.c.id.startswith(id, autoescape=True))
    if sync:
        found = found.where(TABLE.c.sync == sync)
    if kind:
        found = found.where(TABLE.c.kind == kind)
    if states:
        found = found.where(TABLE.c.state.in_(states))
    return [_job(row) for row in tx.execute(found)]


def latest(tx: Connection, before: tuple[float, str] | None, limit: int) -> list[Job]:
    """Returns the next jobs, the latest first.

    Args:
        tx: A transaction.
        before: When the last one that was seen began, and its id; None at the beginning.
        limit: How many to return at most.
    """
    found = select(TABLE).order_by(TABLE.c.created_at.desc(), TABLE.c.id.desc()).limit(limit)
    if before is not None:
        at, id = before
        found = found.where(TABLE.c.created_at <= at, or_(TABLE.c.created_at < at, TABLE.c.id < id))
    return [_job(row) for row in tx.execute(found)]


def take(tx: Connection, id: str) -> Job | None:
    """Returns a running job, locked until the transaction ends; None if it does not run, or another process has it."""
    mine = select(TABLE).where(TABLE.c.id == id, TABLE.c.state == "running").with_for_update(skip_locked=True)
    row = tx.execute(mine).one_or_none()
    return None if row is None else _job(row)


def turn(tx: Connection, id: str, states: Sequence[JobState], state: JobState, now: float) -> bool:
    """Puts a job into another state, and says whether it did.

    Args:
        tx: A transaction that writes.
        id: The job's id.
        states: Those that it may be in now.
        state: The one it is put into.
        now: The store's time, in unix seconds.

    Returns:
        False if the job was in none of `states`.
    """
    mine = update(TABLE).where(TABLE.c.id == id, TABLE.c.state.in_(states))
    return tx.execute(mine.values(state=state, updated_at=now)).rowcount > 0


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
        started_by=row.started_by or "",
        asked=row.asked or "",
    )
