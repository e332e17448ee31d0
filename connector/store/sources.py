"""Sources: their runs, and what each key last said. All of a batch in one statement."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from connector.model.source_run import Counts, SourceState
from connector.store.bulk_sql import INTEGER, TEXT, Rows, among_given, given, insert, named
from connector.store.tables import SourceKeyRow, SourceRow

TABLE = SourceRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
KEYS = SourceKeyRow.__table__  # type: ignore[attr-defined]  # as above


def load(connection: Connection) -> dict[str, SourceState]:
    """Every source that has ever been seen, by name."""
    return {row.name: _state(row) for row in connection.execute(select(TABLE).order_by(TABLE.c.name))}


def see(connection: Connection, names: Collection[str], now: float) -> None:
    """Notes that these sources exist, from now on where they are new."""
    for name in names:
        row = {**_moving(SourceState(name, now)), "name": name, "first_seen_at": now}
        connection.execute(insert(connection.dialect.name, TABLE).values(row).on_conflict_do_nothing())


def save(connection: Connection, state: SourceState) -> None:
    """Writes how the source stands; what a human asked for meanwhile is in `ask`'s own columns and stays."""
    moving = _moving(state)
    for name in ("asked", "may_leave", "again"):
        moving.pop(name)
    connection.execute(update(TABLE).where(TABLE.c.name == state.name).values(moving))


def ask(connection: Connection, name: str, *, may_leave: bool, again: bool) -> None:
    """Notes that a human wants a run, and of which kind."""
    wanted = {"asked": True, **({"may_leave": True} if may_leave else {}), **({"again": True} if again else {})}
    connection.execute(update(TABLE).where(TABLE.c.name == name).values(wanted))


def answer(connection: Connection, state: SourceState) -> None:
    """Takes back what a human asked for, as far as this run knew of it."""
    known = {name: False for name in ("asked", "may_leave", "again") if getattr(state, name)}
    if known:
        connection.execute(update(TABLE).where(TABLE.c.name == state.name).values(known))


def digests(connection: Connection, source: str, keys: Sequence[str]) -> dict[str, int]:
    """What these keys last said, as far as they are known."""
    rows = connection.execute(_known(connection.dialect.name), named(source=source, keys=list(keys)))
    return {row.key: row.digest for row in rows}


@cache
def _known(database: str) -> Any:
    mine = (KEYS.c.source == given("source")) & among_given(database, KEYS.c.key)
    return select(KEYS.c.key, KEYS.c.digest).where(mine)


def note(connection: Connection, source: str, said: Mapping[str, int]) -> None:
    """Keeps what these keys said."""
    if said:
        rows, statement = _noting(connection.dialect.name)
        ordered = [{"key": key, "digest": said[key]} for key in sorted(said)]
        rows.execute(connection, statement, ordered, source=source)


@cache
def _noting(database: str) -> tuple[Rows, Any]:
    rows = Rows(database, {"key": TEXT, "digest": INTEGER}, "source")
    statement = rows.insertion(KEYS)
    return rows, statement.on_conflict_do_update(
        index_elements=["key", "source"], set_={"digest": statement.excluded.digest}
    )


def count(connection: Connection, source: str) -> int:
    """How many keys are known."""
    return int(connection.execute(select(func.count()).where(KEYS.c.source == source)).scalar_one())


def after(connection: Connection, source: str, key: str, limit: int) -> list[str]:
    """The first `limit` known keys after `key`, in the store's order."""
    found = select(KEYS.c.key).where(KEYS.c.source == source, KEYS.c.key > key).order_by(KEYS.c.key).limit(limit)
    return list(connection.execute(found).scalars())


def drop(connection: Connection, source: str, keys: Sequence[str]) -> None:
    """Forgets these keys."""
    if keys:
        connection.execute(_dropping(connection.dialect.name), named(source=source, keys=list(keys)))


@cache
def _dropping(database: str) -> Any:
    return delete(KEYS).where(KEYS.c.source == given("source"), among_given(database, KEYS.c.key))


def drop_all(connection: Connection, source: str) -> None:
    """Forgets every key."""
    connection.execute(delete(KEYS).where(KEYS.c.source == source))


def erase(connection: Connection, key: str) -> None:
    """Forgets a user in all sources, as a privacy request asks for it."""
    connection.execute(delete(KEYS).where(KEYS.c.key == key))


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
