"""Keeps how far the activity log of each workspace was read, by the type of entry."""

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, select

from connector.customerio.activities import LogPosition
from connector.store.bulk_sql import insert
from connector.store.tables import ActivityPositionRow

_TABLE = ActivityPositionRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def positions(tx: Connection, workspace: str) -> dict[str, LogPosition]:
    """Returns the positions of a connection, by type."""
    found = select(_TABLE.c.type, _TABLE.c.position).where(_TABLE.c.connection == workspace)
    return {row.type: LogPosition(**from_json(row.position)) for row in tx.execute(found)}


def keep(tx: Connection, workspace: str, type_: str, position: LogPosition) -> None:
    """Keeps a position.

    Args:
        tx: A transaction that writes.
        workspace: The connection, by its name.
        type_: The type of entry.
        position: How far it was read.
    """
    text = to_json(position).decode()
    row = insert(tx.dialect.name, _TABLE).values(connection=workspace, type=type_, position=text)
    tx.execute(row.on_conflict_do_update(index_elements=["connection", "type"], set_={"position": text}))
