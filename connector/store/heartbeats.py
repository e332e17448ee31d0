"""Keeps which processes live: each says so every few seconds, in a row of its own."""

from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from connector.store.bulk_sql import insert
from connector.store.tables import ProcessRow

TABLE = ProcessRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
BEAT_SECONDS = 5.0
"""How often a process says that it lives."""
GONE_SECONDS = 30.0
"""A process that was not heard of for so long is gone: it was killed, hangs, or cannot reach the store."""
SWEEP = "sweep"
"""The role under which a worker's pool says that it does what is periodic, and its one row's name."""


class Heartbeat(NamedTuple):
    """When a process was seen last, and when it began, in unix seconds by the store's clock."""

    name: str
    role: str
    started_at: float
    seen_at: float

    def lives(self, now: float) -> bool:
        """Whether it was heard of a moment ago."""
        return now - self.seen_at <= GONE_SECONDS


def beat(tx: Connection, role: str, name: str, now: float) -> None:
    """Notes that a process lives.

    Args:
        tx: A transaction that writes.
        role: What it does: worker, beat, web, run or sweep.
        name: Its name, which no other process has.
        now: The store's time, in unix seconds.
    """
    row = insert(tx.dialect.name, TABLE).values(name=name, role=role, started_at=now, seen_at=now)
    tx.execute(row.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now}))


def end(tx: Connection, name: str) -> None:
    """Takes away the row of a process that ends in order."""
    tx.execute(delete(TABLE).where(TABLE.c.name == name))


def end_all(tx: Connection) -> None:
    """Takes every row away. Only for a program that knows that no other one runs."""
    tx.execute(delete(TABLE))


def known(tx: Connection) -> list[Heartbeat]:
    """Returns every process that lives or has died without a word, those seen last first."""
    found = select(TABLE.c.name, TABLE.c.role, TABLE.c.started_at, TABLE.c.seen_at)
    return [Heartbeat(*row) for row in tx.execute(found.order_by(TABLE.c.seen_at.desc(), TABLE.c.name))]
