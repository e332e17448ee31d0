"""Keeps who did what by hand: a row for each act, written when it begins, and what came of it once it has ended."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from connector.store.log_tables import OperatorLogRow

TABLE = OperatorLogRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
BEGUN = "begun"


@dataclass(frozen=True, slots=True)
class OperatorAct:
    """An act. at: unix seconds; door: where it was done; subject: to what, "" for nothing; outcome: what came of it."""

    at: float
    operator: str
    door: str
    act: str
    subject: str
    outcome: str = BEGUN


def begin(tx: Connection, act: OperatorAct) -> int:
    """Adds an act; the id of its row."""
    values = {name: getattr(act, name) for name in OperatorAct.__slots__}
    return int(tx.execute(insert(TABLE).values(values).returning(TABLE.c.id)).scalar_one())


def end(tx: Connection, id: int, outcome: str) -> None:
    """Writes what came of an act."""
    tx.execute(update(TABLE).where(TABLE.c.id == id).values(outcome=outcome))


def find(tx: Connection, since: float, act: str, limit: int) -> list[OperatorAct]:
    """Returns acts, the latest first.

    Args:
        tx: A transaction.
        since: Only since then, in unix seconds.
        act: How the act begins, as `problems`; "" for all.
        limit: How many to return at most.
    """
    columns = [TABLE.c[name] for name in OperatorAct.__slots__]
    found = select(*columns).where(TABLE.c.at >= since).order_by(TABLE.c.at.desc(), TABLE.c.id.desc()).limit(limit)
    if act:
        found = found.where(TABLE.c.act.startswith(act, autoescape=True))
    return [OperatorAct(*row) for row in tx.execute(found)]
