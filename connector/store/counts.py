"""Tallies: what people ask for afterwards, counted in the transaction that made it so."""

from collections.abc import Mapping

from sqlalchemy import Connection, select

from connector.store.entities import insert
from connector.store.tables import TallyRow

_TALLY = TallyRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def tally(connection: Connection, sync: str, counts: Mapping[str, int]) -> None:
    """Adds to the tallies of a sync."""
    rows = [{"sync": sync, "name": name, "count": count} for name, count in sorted(counts.items()) if count]
    if not rows:
        return
    statement = insert(connection, _TALLY)
    more = _TALLY.c.count + statement.excluded["count"]
    connection.execute(statement.on_conflict_do_update(index_elements=["sync", "name"], set_={"count": more}), rows)


def tallies(connection: Connection, sync: str) -> dict[str, int]:
    """The tallies of a sync, by name."""
    found = select(_TALLY.c.name, _TALLY.c.count).where(_TALLY.c.sync == sync).order_by(_TALLY.c.name)
    return {str(row[0]): int(row[1]) for row in connection.execute(found)}
