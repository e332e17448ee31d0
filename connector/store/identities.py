"""Who holds which identifier: one user each, first come first held, handed on when it is let go."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from connector.store.entities import TABLE as ENTITY
from connector.store.entities import parts
from connector.store.bulk_sql import TEXT, Rows, among, among_given, given, named
from connector.store.tables import IdentityRow

TABLE = IdentityRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def hold(connection: Connection, sync: str, wanted: Mapping[str, list[str]]) -> dict[str, str]:
    """Gives each identifier to the first of the keys that want it, where nobody holds it; the holder of each."""
    if not wanted:
        return {}
    first = [{"identifier": each, "key": keys[0]} for each, keys in sorted(wanted.items())]
    rows, statement = _holding(connection.dialect.name)
    new = rows.execute(connection, statement, first, sync=sync)
    given = {row.identifier: row.key for row in new}
    return given | holders(connection, sync, wanted.keys() - given.keys())


def holders(connection: Connection, sync: str, identifiers: Iterable[str]) -> dict[str, str]:
    """The key of the user who holds each of the identifiers, where somebody does."""
    found: dict[str, str] = {}
    for part in parts(identifiers):
        before = connection.execute(_holders(connection.dialect.name), named(sync=sync, identifiers=part))
        found.update((row.identifier, row.key) for row in before)
    return found


@cache
def _holding(database: str) -> tuple[Rows, Any]:
    rows = Rows(database, {"identifier": TEXT, "key": TEXT})
    statement = rows.insertion(TABLE, sync=given("sync")).on_conflict_do_nothing()
    return rows, statement.returning(TABLE.c.identifier, TABLE.c.key)


@cache
def _holders(database: str) -> Any:
    mine = (TABLE.c.sync == given("sync")) & among_given(database, TABLE.c.identifier, "identifiers")
    return select(TABLE.c.identifier, TABLE.c.key).where(mine)


def release(connection: Connection, sync: str, released: Iterable[tuple[str, str]], now: float) -> None:
    """Lets go of (identifier, key) pairs; whoever waits for such an identifier gets it and is due."""
    pairs = sorted(set(released))
    if not pairs:
        return
    rows = Rows(connection.dialect.name, {"identifier": TEXT, "key": TEXT}, "sync")
    mine = (TABLE.c[name] == rows[name] for name in ("sync", "identifier", "key"))
    let_go = [{"identifier": old, "key": holder} for old, holder in pairs]
    rows.execute(connection, delete(TABLE).where(*mine), let_go, sync=sync)
    waiting = (
        select(ENTITY.c.waits_for, func.min(ENTITY.c.key).label("key"))
        .where(ENTITY.c.sync == sync, among(connection, ENTITY.c.waits_for, [old for old, _ in pairs]))
        .group_by(ENTITY.c.waits_for)
    )
    for row in connection.execute(waiting).all():
        holder = hold(connection, sync, {row.waits_for: [row.key]})[row.waits_for]
        if holder == row.key:
            due = update(ENTITY).where(ENTITY.c.sync == sync, ENTITY.c.key == row.key)
            connection.execute(due.values(waits_for=None, due_at=now))
