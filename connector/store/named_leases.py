"""Keeps leases by name: work that only one program may do at a time. Times are the store's own."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update

from connector.store.bulk_sql import among, insert
from connector.store.tables import LeaseRow

QUEUE, READER, EXPORT = "queue ", "reader ", "export:"
"""The beginnings of the names of leases: of intake queues, of the readers themselves, and of exports."""
TABLE = LeaseRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def take(tx: Connection, name: str, holder: str, now: float, seconds: float) -> bool:
    """Takes a lease, and says whether it did.

    Args:
        tx: A transaction that writes.
        name: What only one program may do at a time.
        holder: Who takes it.
        now: The store's time, in unix seconds.
        seconds: How long it holds.

    Returns:
        False if another holder has it.
    """
    until = now + seconds
    fresh = insert(tx.dialect.name, TABLE).values(name=name, holder=holder, until=until)
    # Nobody takes a lease for that long: one that ends later was taken before the store's clock was set back.
    free: Any = (TABLE.c.until < now) | (TABLE.c.until > now + 2 * seconds)
    taken = fresh.on_conflict_do_update(index_elements=["name"], set_={"holder": holder, "until": until}, where=free)
    return tx.execute(taken.returning(TABLE.c.name)).one_or_none() is not None


def renew(tx: Connection, name: str, holder: str, now: float, seconds: float) -> bool:
    """Extends a lease, and says whether it did. Until the transaction ends nobody else can take it.

    Args:
        tx: A transaction that writes.
        name: The lease's name.
        holder: Who has it.
        now: The store's time, in unix seconds.
        seconds: How long it holds.

    Returns:
        False if another holder has it by now, or nobody.
    """
    mine = (TABLE.c.name == name) & (TABLE.c.holder == holder)
    return tx.execute(update(TABLE).where(mine).values(until=now + seconds)).rowcount > 0


def held_by(tx: Connection, holder: str) -> set[str]:
    """Returns the names of the leases that the holder has, even after their end, until somebody else takes them."""
    return set(tx.execute(select(TABLE.c.name).where(TABLE.c.holder == holder)).scalars())


def fence(tx: Connection, name: str, holder: str) -> bool:
    """Says whether the holder has the lease, even after its end. Until the transaction ends nobody else can take it.

    A holder whose name is new each time is a fencing token: a process that stood still for too long commits nothing.
    """
    mine = select(TABLE.c.name).where(TABLE.c.name == name, TABLE.c.holder == holder)
    return tx.execute(mine.with_for_update(read=True)).one_or_none() is not None


def beginning_with(tx: Connection, *beginnings: str) -> dict[str, tuple[str, float]]:
    """Returns holder and end (unix seconds) of each lease whose name begins with one of `beginnings`, even if ended."""
    named = or_(*(TABLE.c.name.startswith(each, autoescape=True) for each in beginnings))
    found = tx.execute(select(TABLE.c.name, TABLE.c.holder, TABLE.c.until).where(named))
    return {row.name: (row.holder, row.until) for row in found}


def give_back_all(tx: Connection, holders: str) -> None:
    """Ends every lease whose holder's name begins with `holders`: for holders that have died or are about to end."""
    tx.execute(delete(TABLE).where(TABLE.c.holder.startswith(holders, autoescape=True)))


def give_back(tx: Connection, name: str, holder: str) -> None:
    """Ends the lease, if the holder still has it."""
    tx.execute(delete(TABLE).where(TABLE.c.name == name, TABLE.c.holder == holder))


def held(tx: Connection, names: list[str], now: float) -> set[str]:
    """Returns those of the names whose lease somebody holds at `now`, in unix seconds."""
    found = select(TABLE.c.name).where(among(tx, TABLE.c.name, names), TABLE.c.until >= now)
    return set(tx.execute(found).scalars())


def queues_read(tx: Connection, queues: Collection[str], now: float) -> set[str]:
    """Returns those of the queues, by their names, that a reader reads at `now`, in unix seconds."""
    read = held(tx, [QUEUE + name for name in queues], now) if queues else set()
    return {name.removeprefix(QUEUE) for name in read}


def release_all(tx: Connection) -> None:
    """Ends every lease. Only for a program that knows that no other one runs."""
    tx.execute(delete(TABLE))
