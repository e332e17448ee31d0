"""Keeps who did what by hand: a row for each act, written when it begins, and what came of it once it has ended."""

from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from connector.store.log_tables import OperatorLogRow

TABLE = OperatorLogRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
BEGUN = "begun"


@dataclass(frozen=True, slots=True)
class OperatorAct:
    """An act. at: unix seconds; door: where it was done; subject: what it was done to, or ""; outcome: its result."""

    at: float
    operator: str
    door: str
    act: str
    subject: str
    outcome: str = BEGUN


class WantedActs(NamedTuple):
    """A choice of acts. act: its beginning, as `problems`; "" for all. since, until: unix seconds, without `until`."""

    act: str = ""
    since: float | None = None
    until: float | None = None


class NotedAct(NamedTuple):
    """An act and the id of its row, which is higher for the later of two acts at the same moment."""

    id: int
    what: OperatorAct


def begin(tx: Connection, act: OperatorAct) -> int:
    """Adds an act, and returns the id of its row."""
    values = {name: getattr(act, name) for name in OperatorAct.__slots__}
    return int(tx.execute(insert(TABLE).values(values).returning(TABLE.c.id)).scalar_one())


def end(tx: Connection, id: int, outcome: str) -> None:
    """Writes the outcome of an act."""
    tx.execute(update(TABLE).where(TABLE.c.id == id).values(outcome=outcome))


def find(tx: Connection, since: float, act: str, limit: int) -> list[OperatorAct]:
    """Returns acts, the latest first.

    Args:
        tx: A transaction.
        since: Only since then, in unix seconds.
        act: The beginning of the act, as `problems`; "" for all.
        limit: How many to return at most.
    """
    return [each.what for each in page(tx, WantedActs(act, since), None, limit)]


def page(tx: Connection, wanted: WantedActs, behind: tuple[float, int] | None, limit: int) -> list[NotedAct]:
    """Returns acts with their ids, the latest first.

    Args:
        tx: A transaction.
        wanted: Which are meant.
        behind: When the last act seen began (unix seconds), and its id: only later places; None for the latest.
        limit: How many to return at most.
    """
    columns = [TABLE.c.id, *(TABLE.c[name] for name in OperatorAct.__slots__)]
    found = select(*columns).order_by(TABLE.c.at.desc(), TABLE.c.id.desc()).limit(limit)
    if wanted.act:
        found = found.where(TABLE.c.act.startswith(wanted.act, autoescape=True))
    if wanted.since is not None:
        found = found.where(TABLE.c.at >= wanted.since)
    if wanted.until is not None:
        found = found.where(TABLE.c.at < wanted.until)
    if behind is not None:
        at, id = behind
        found = found.where(TABLE.c.at <= at, (TABLE.c.at < at) | (TABLE.c.id < id))
    return [NotedAct(id, OperatorAct(*values)) for id, *values in tx.execute(found)]
