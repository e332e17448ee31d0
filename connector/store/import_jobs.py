"""Keeps import jobs: few rows, all read at once."""

from sqlalchemy import Connection, Table, insert, select, update

from connector.model import import_job
from connector.model.import_job import ImportDirection, ImportJob, ImportState
from connector.store.activity_tables import ImportJobRow

TABLE: Table = ImportJobRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
_COLUMNS = [TABLE.c[name] for name in ImportJob._fields]


def every(tx: Connection) -> list[ImportJob]:
    """Returns all import jobs, the latest first."""
    rows = select(*_COLUMNS).order_by(TABLE.c.started_at.desc(), TABLE.c.id.desc())
    return [ImportJob(*row) for row in tx.execute(rows)]


def still(tx: Connection, direction: ImportDirection) -> dict[str, ImportState]:
    """Returns the names whose import is paused or ended, each with that state."""
    return import_job.standing_still(every(tx), direction)


def add(tx: Connection, job: ImportJob) -> None:
    """Adds a job."""
    tx.execute(insert(TABLE).values(job._asdict()))


def turn(tx: Connection, id: str, before: ImportState, state: ImportState, now: float) -> bool:
    """Puts a job into another state, and says whether it did.

    Args:
        tx: A transaction that writes.
        id: The job's id.
        before: The state that it is in.
        state: The one it is put into.
        now: The store's time, in unix seconds.

    Returns:
        False if it is in another state by now.
    """
    mine = update(TABLE).where(TABLE.c.id == id, TABLE.c.state == before)
    return tx.execute(mine.values(state=state, changed_at=now)).rowcount > 0
