"""Leases by name: something that only one program may do at a time. Times are the store's own."""

from typing import Any

from sqlalchemy import Connection, delete, select, update

from connector.store.bulk_sql import among, insert
from connector.store.tables import LeaseRow

TABLE = LeaseRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def take(connection: Connection, name: str, holder: str, now: float, seconds: float) -> bool:
    """Takes the lease for `seconds`; False where another holder has it."""
    until = now + seconds
    fresh = insert(connection.dialect.name, TABLE).values(name=name, holder=holder, until=until)
    free: Any = TABLE.c.until < now
    taken = fresh.on_conflict_do_update(index_elements=["name"], set_={"holder": holder, "until": until}, where=free)
    return connection.execute(taken.returning(TABLE.c.name)).one_or_none() is not None


def renew(connection: Connection, name: str, holder: str, now: float, seconds: float) -> bool:
    """Holds it for `seconds` from now on; False where it is another's, or nobody's, by now.

    Until the transaction ends nobody else can take it.
    """
    mine = (TABLE.c.name == name) & (TABLE.c.holder == holder)
    return connection.execute(update(TABLE).where(mine).values(until=now + seconds)).rowcount > 0


def held_by(connection: Connection, holder: str) -> set[str]:
    """What the holder holds, as long as nobody else has taken it."""
    return set(connection.execute(select(TABLE.c.name).where(TABLE.c.holder == holder)).scalars())


def give_back(connection: Connection, name: str, holder: str) -> None:
    """Ends the lease, if it is the holder's still."""
    connection.execute(delete(TABLE).where(TABLE.c.name == name, TABLE.c.holder == holder))


def held(connection: Connection, names: list[str], now: float) -> set[str]:
    """Which of the names somebody holds."""
    found = select(TABLE.c.name).where(among(connection, TABLE.c.name, names), TABLE.c.until >= now)
    return set(connection.execute(found).scalars())


def release_all(connection: Connection) -> None:
    """Ends every lease: for a program that knows itself to be the only one."""
    connection.execute(delete(TABLE))
