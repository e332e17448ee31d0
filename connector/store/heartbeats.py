"""Keeps which processes are alive: each says so every few seconds, in a row of its own."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from connector.store.bulk_sql import insert
from connector.store.tables import ProcessRow

TABLE = ProcessRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
BEAT_SECONDS = 5.0
"""The seconds between two heartbeats of a process."""
GONE_SECONDS = 30.0
"""The seconds without a heartbeat after which a process is gone: it was killed, hangs, or cannot reach the store."""
SWEEP = "sweep"
"""The role under which a worker's pool notes that it runs the periodic tasks, and the name of its one row."""
NEEDED_IN_A_FLEET = ("worker", "beat")
WORDS = {
    "worker": "no worker lives",
    "beat": "beat is gone",
    "web": "the web doors are gone",
    "run": "`connector run` is gone",
    "sweep": "the workers do not do what beat rings for",
}
"""The words for each role that no process has any more."""
_SLOW_SWEEP_SECONDS = 120.0


class Heartbeat(NamedTuple):
    """The heartbeat of a process: when it began and when it was last seen, in unix seconds by the store's clock."""

    name: str
    role: str
    started_at: float
    seen_at: float

    def lives(self, now: float) -> bool:
        """Says whether its last heartbeat is recent enough, at `now` in unix seconds, to count it as alive."""
        return now - self.seen_at <= GONE_SECONDS


def beat(tx: Connection, role: str, name: str, now: float) -> None:
    """Notes that a process is alive.

    Args:
        tx: A transaction that writes.
        role: What it does: worker, beat, web, run or sweep.
        name: Its name, which no other process has.
        now: The store's time, in unix seconds.
    """
    row = insert(tx.dialect.name, TABLE).values(name=name, role=role, started_at=now, seen_at=now)
    tx.execute(row.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now}))


def end(tx: Connection, name: str) -> None:
    """Deletes the row of a process that ends in order."""
    tx.execute(delete(TABLE).where(TABLE.c.name == name))


def end_all(tx: Connection) -> None:
    """Deletes every row. Only a program that knows that no other process runs may call this."""
    tx.execute(delete(TABLE))


def known(tx: Connection) -> list[Heartbeat]:
    """Returns every process that is alive or ended without deleting its row, those seen last first."""
    found = select(TABLE.c.name, TABLE.c.role, TABLE.c.started_at, TABLE.c.seen_at)
    return [Heartbeat(*row) for row in tx.execute(found.order_by(TABLE.c.seen_at.desc(), TABLE.c.name))]


def missing(processes: Sequence[Heartbeat], now: float, *, durable: bool) -> dict[str, float | None]:
    """Returns the roles that are needed, or were there, and that no process has; each with when it was last seen.

    Args:
        processes: The processes that are known, those seen last first.
        now: The store's time, in unix seconds.
        durable: Whether a fleet with a broker of its own is at work: it needs workers and beat.
    """
    living = {each.role for each in processes if each.lives(now)}
    last: dict[str, float | None] = dict.fromkeys(NEEDED_IN_A_FLEET if durable else ())
    for each in reversed(processes):
        last[each.role] = each.seen_at
    found = {role: seen for role, seen in last.items() if role not in living}
    if SWEEP in found and not (_at_work(living) and now - (found[SWEEP] or now) > _SLOW_SWEEP_SECONDS):
        del found[SWEEP]  # those who would sweep are gone themselves, or have a long turn
    return found


def _at_work(living: set[str]) -> bool:
    return living >= set(NEEDED_IN_A_FLEET) or "run" in living
