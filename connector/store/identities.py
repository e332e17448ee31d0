"""Who holds which identifier: one user each, first come first held, handed on when it is let go."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, delete, func, select, update

from connector.store.entities import TABLE as ENTITY
from connector.store.entities import insert, parts
from connector.store.tables import IdentityRow

TABLE = IdentityRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def hold(connection: Connection, sync: str, wanted: Mapping[str, list[str]]) -> dict[str, str]:
    """Gives each identifier to the first of the keys that want it, where nobody holds it; the holder of each."""
    if not wanted:
        return {}
    rows = [{"sync": sync, "identifier": each, "key": keys[0]} for each, keys in sorted(wanted.items())]
    connection.execute(insert(connection, TABLE).on_conflict_do_nothing(), rows)
    holders: dict[str, str] = {}
    for part in parts(wanted):
        found = select(TABLE.c.identifier, TABLE.c.key).where(TABLE.c.sync == sync, TABLE.c.identifier.in_(part))
        holders.update((row.identifier, row.key) for row in connection.execute(found))
    return holders


def release(connection: Connection, sync: str, released: Iterable[tuple[str, str]], now: float) -> None:
    """Lets go of (identifier, key) pairs; whoever waits for such an identifier gets it and is due."""
    pairs = sorted(set(released))
    if not pairs:
        return
    mine = (TABLE.c.sync == sync) & (TABLE.c.identifier == bindparam("old")) & (TABLE.c.key == bindparam("holder"))
    connection.execute(delete(TABLE).where(mine), [{"old": old, "holder": holder} for old, holder in pairs])
    waiting = (
        select(ENTITY.c.waits_for, func.min(ENTITY.c.key).label("key"))
        .where(ENTITY.c.sync == sync, ENTITY.c.waits_for.in_([old for old, _ in pairs]))
        .group_by(ENTITY.c.waits_for)
    )
    for row in connection.execute(waiting).all():
        holder = hold(connection, sync, {row.waits_for: [row.key]})[row.waits_for]
        if holder == row.key:
            due = update(ENTITY).where(ENTITY.c.sync == sync, ENTITY.c.key == row.key)
            connection.execute(due.values(waits_for=None, due_at=now))
