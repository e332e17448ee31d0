"""Tallies: what people ask for afterwards, counted in the transaction that made it so.

Every transaction counts. If all counted in one row they would wait for one another's commits, so each takes one of some
slots, and who reads adds them up.
"""

from collections.abc import Mapping
from functools import cache
from secrets import randbelow
from typing import Any

from sqlalchemy import Connection, func, select

from connector.store.bulk_sql import INTEGER, TEXT, Rows, given
from connector.store.tables import TallyRow

_TALLY = TallyRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


_SLOTS = 16


def tally(connection: Connection, counts: Mapping[str, Mapping[str, int]]) -> None:
    """Adds to the tallies, given by sync and name."""
    counted = [
        {"sync": sync, "name": name, "count": count}
        for sync, names in sorted(counts.items())
        for name, count in sorted(names.items())
        if count
    ]
    if counted:
        rows, statement = _counting(connection.dialect.name)
        rows.execute(connection, statement, counted, slot=randbelow(_SLOTS))


@cache
def _counting(database: str) -> tuple[Rows, Any]:
    rows = Rows(database, {"sync": TEXT, "name": TEXT, "count": INTEGER})
    statement = rows.insertion(_TALLY, slot=given("slot", INTEGER))
    more = _TALLY.c.count + statement.excluded["count"]
    return rows, statement.on_conflict_do_update(index_elements=["sync", "name", "slot"], set_={"count": more})


def tallies(connection: Connection, sync: str) -> dict[str, int]:
    """The tallies of a sync, by name."""
    found = select(_TALLY.c.name, func.sum(_TALLY.c.count)).where(_TALLY.c.sync == sync)
    by_name = found.group_by(_TALLY.c.name).order_by(_TALLY.c.name)
    return {str(row[0]): int(row[1]) for row in connection.execute(by_name)}
