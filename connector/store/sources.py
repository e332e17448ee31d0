"""Keeps sources: their runs, and the last row of each key as a digest. All of a batch is one statement."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from connector.model.source_state import Counts, SourceState
from connector.store.bulk_sql import INTEGER, TEXT, Rows, among_given, given, insert
from connector.store.statements import RowsStatement, Statement
from connector.store.tables import SourceKeyRow, SourceRow

TABLE = SourceRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
KEYS = SourceKeyRow.__table__  # type: ignore[attr-defined]  # as above


def load(tx: Connection) -> dict[str, SourceState]:
    """Returns every source that has ever been seen, by name."""
    return {row.name: _state(row) for row in tx.execute(select(TABLE).order_by(TABLE.c.name))}


def see(tx: Connection, names: Collection[str], now: float) -> None:
    """Notes that these sources exist; a new one is first seen at `now` (unix seconds)."""
    for name in names:
        row = {**_moving(SourceState(name, now)), "name": name, "first_seen_at": now}
        tx.execute(insert(tx.dialect.name, TABLE).values(row).on_conflict_do_nothing())


def save(tx: Connection, state: SourceState) -> None:
    """Writes the state of a source; what a human asked for meanwhile is in `ask`'s own columns and stays."""
    moving = _moving(state)
    for name in ("asked", "may_leave", "again"):
        moving.pop(name)
    tx.execute(update(TABLE).where(TABLE.c.name == state.name).values(moving))


def ask(tx: Connection, name: str, *, may_leave: bool, again: bool) -> bool:
    """Notes that a human wants a run and of which kind, and says whether that is new.

    Args:
        tx: A transaction that writes.
        name: The source, by its name.
        may_leave: Whether the run may go on however many rows are gone.
        again: Whether every row is to be taken in again.

    Returns:
        True if no run was already asked for that is still to come.
    """
    first = not tx.execute(select(TABLE.c.asked).where(TABLE.c.name == name).with_for_update()).scalar()
    wanted = {"asked": True, **({"may_leave": True} if may_leave else {}), **({"again": True} if again else {})}
    tx.execute(update(TABLE).where(TABLE.c.name == name).values(wanted))
    return first


def answer(tx: Connection, state: SourceState) -> None:
    """Clears the request of a human that this run has fulfilled."""
    known = {name: False for name in ("asked", "may_leave", "again") if getattr(state, name)}
    if known:
        tx.execute(update(TABLE).where(TABLE.c.name == state.name).values(known))


def digests(tx: Connection, source: str, keys: Sequence[str]) -> dict[str, int]:
    """Returns the last digests of those of these keys that are known."""
    return dict(_known(tx.dialect.name).run(tx, source=source, keys=list(keys)))


@cache
def _known(database: str) -> Statement:
    mine = (KEYS.c.source == given("source")) & among_given(database, KEYS.c.key)
    return Statement(database, select(KEYS.c.key, KEYS.c.digest).where(mine))


def note(tx: Connection, source: str, said: Mapping[str, int]) -> None:
    """Keeps these digests, by key."""
    if said:
        _noting(tx.dialect.name).run(tx, sorted(said.items()), source=source)


@cache
def _noting(database: str) -> RowsStatement:
    rows = Rows(database, {"key": TEXT, "digest": INTEGER}, "source")
    statement = rows.insertion(KEYS)
    new = {"digest": statement.excluded.digest}
    return rows.statement(statement.on_conflict_do_update(index_elements=["key", "source"], set_=new))


def count(tx: Connection, source: str) -> int:
    """Returns how many keys of a source are known."""
    return int(tx.execute(select(func.count()).where(KEYS.c.source == source)).scalar_one())


def after(tx: Connection, source: str, key: str, limit: int) -> list[str]:
    """Returns the next known keys, in the store's order.

    Args:
        tx: A transaction.
        source: The source, by its name.
        key: The key to begin behind; "" for the first.
        limit: The most keys to return.
    """
    found = select(KEYS.c.key).where(KEYS.c.source == source, KEYS.c.key > key).order_by(KEYS.c.key).limit(limit)
    return list(tx.execute(found).scalars())


def drop(tx: Connection, source: str, keys: Sequence[str]) -> None:
    """Deletes these keys of a source."""
    if keys:
        _dropping(tx.dialect.name).run(tx, source=source, keys=list(keys))


@cache
def _dropping(database: str) -> Statement:
    mine = (KEYS.c.source == given("source")) & among_given(database, KEYS.c.key)
    return Statement(database, delete(KEYS).where(mine))


def drop_all(tx: Connection, source: str) -> None:
    """Deletes every key of a source."""
    tx.execute(delete(KEYS).where(KEYS.c.source == source))


def erase(tx: Connection, key: str) -> None:
    """Deletes a user's key in all sources, for a privacy request."""
    tx.execute(delete(KEYS).where(KEYS.c.key == key))


def _moving(state: SourceState) -> dict[str, Any]:
    counts = state.counts
    return {
        "asked": state.asked,
        "may_leave": state.may_leave,
        "again": state.again,
        "started_at": state.started_at,
        "ended_at": state.ended_at,
        "rows": counts.rows,
        "changed": counts.changed,
        "left_count": counts.left,
        "unreadable": counts.unreadable,
        "repeated": counts.repeated,
        "failures": state.failures,
        "error": state.error,
        "cursor": state.cursor,
    }


def _state(row: Any) -> SourceState:
    return SourceState(
        name=row.name,
        first_seen_at=row.first_seen_at,
        asked=row.asked,
        may_leave=row.may_leave,
        again=row.again,
        started_at=row.started_at,
        ended_at=row.ended_at,
        counts=Counts(row.rows, row.changed, row.left_count, row.unreadable, row.repeated),
        failures=row.failures,
        error=row.error,
        cursor=row.cursor,
    )
