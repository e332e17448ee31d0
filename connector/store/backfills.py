"""What backfills read, beside their jobs: it may hold secrets of URLs, so that it is shown nowhere."""

from sqlalchemy import Connection, delete, exists, insert, select

from connector.store import jobs
from connector.store.tables import BackfillRow

TABLE = BackfillRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def add(connection: Connection, job: str, origin: str) -> None:
    """Keeps what a job reads."""
    connection.execute(insert(TABLE).values(job=job, origin=origin))


def origin(connection: Connection, job: str) -> str | None:
    """What a job reads; None where nobody knows any more."""
    return connection.execute(select(TABLE.c.origin).where(TABLE.c.job == job)).scalar_one_or_none()


def drop(connection: Connection, job: str) -> None:
    """Forgets what a job read."""
    connection.execute(delete(TABLE).where(TABLE.c.job == job))


def drop_orphans(connection: Connection) -> None:
    """Forgets what jobs read that are kept no more."""
    connection.execute(delete(TABLE).where(~exists().where(jobs.TABLE.c.id == TABLE.c.job)))
