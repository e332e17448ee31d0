"""Keeps what backfills read, beside their jobs. It may hold secrets of URLs, so it is shown nowhere."""

from sqlalchemy import Connection, delete, exists, insert, select

from connector.store import jobs
from connector.store.tables import BackfillRow

TABLE = BackfillRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def add(tx: Connection, job: str, origin: str) -> None:
    """Keeps what a job reads."""
    tx.execute(insert(TABLE).values(job=job, origin=origin))


def origin(tx: Connection, job: str) -> str | None:
    """Returns what a job reads; None if the store no longer knows."""
    return tx.execute(select(TABLE.c.origin).where(TABLE.c.job == job)).scalar_one_or_none()


def drop(tx: Connection, job: str) -> None:
    """Forgets what a job read."""
    tx.execute(delete(TABLE).where(TABLE.c.job == job))


def drop_orphans(tx: Connection) -> None:
    """Forgets what was read by jobs that are no longer kept."""
    tx.execute(delete(TABLE).where(~exists().where(jobs.TABLE.c.id == TABLE.c.job)))
