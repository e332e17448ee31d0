"""Keeps profiles by their keys, and links between keys. All of a batch is one statement."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, exists, or_, select

from connector.store import name_search, outgoing, reported
from connector.store.activity_tables import ProfileLinkRow, ProfileRow
from connector.store.bulk_sql import FLOAT, INTEGER, TEXT, Rows, among
from connector.store.statements import RowsStatement

TABLE: Table = ProfileRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
LINK: Table = ProfileLinkRow.__table__  # type: ignore[attr-defined]  # as above
_ID = "id:"
_PREFIXES = (_ID, "email:", "cio_id:")
_STEPS = 2
"""The most links between an identifier and the profile that it belongs to: cio_id, e-mail, id."""
LinkRow = tuple[str, str, int, str]


def locked(tx: Connection, connection: str, keys: Collection[str], now: float) -> dict[str, str]:
    """Returns the states of these profiles, as JSON, and locks their rows. Missing ones are added empty.

    Args:
        tx: A writing transaction.
        connection: The connection, by its name.
        keys: The keys of the profiles.
        now: Unix seconds, by the store's clock.
    """
    ordered = sorted(keys)  # all lock in this order, so that nobody waits in a circle
    _beginning(tx.dialect.name).run(tx, [(key, "{}", now) for key in ordered], connection=connection)
    mine = (TABLE.c.connection == connection) & among(tx, TABLE.c.key, ordered)
    rows = select(TABLE.c.key, TABLE.c.state).where(mine).order_by(TABLE.c.key).with_for_update()
    return {str(row.key): str(row.state) for row in tx.execute(rows)}


def save(tx: Connection, connection: str, states: Mapping[str, str], now: float) -> None:
    """Writes the states of profiles that are locked.

    Args:
        tx: A writing transaction.
        connection: The connection, by its name.
        states: The states by the keys of the profiles, as JSON.
        now: Unix seconds, by the store's clock.
    """
    _saving(tx.dialect.name).run(tx, [(*each, now) for each in sorted(states.items())], connection=connection)


@cache
def _beginning(database: str) -> RowsStatement:
    rows = _rows(database)
    return rows.statement(rows.insertion(TABLE).on_conflict_do_nothing())


@cache
def _saving(database: str) -> RowsStatement:
    rows = _rows(database)
    statement = rows.insertion(TABLE)
    new = {"state": statement.excluded.state, "updated_at": statement.excluded.updated_at}
    return rows.statement(statement.on_conflict_do_update(index_elements=["key", "connection"], set_=new))


def _rows(database: str) -> Rows:
    return Rows(database, {"key": TEXT, "state": TEXT, "updated_at": FLOAT}, "connection")


def link(tx: Connection, connection: str, links: Collection[LinkRow]) -> None:
    """Keeps links: identifier, owner, time (unix seconds), id of the webhook. The latest for an identifier counts."""
    latest: dict[str, LinkRow] = {}
    for each in sorted(links, key=lambda one: one[2:]):
        latest[each[0]] = each
    if latest:
        _linking(tx.dialect.name).run(tx, sorted(latest.values()), connection=connection)


@cache
def _linking(database: str) -> RowsStatement:
    rows = Rows(database, {"identifier": TEXT, "owner": TEXT, "at": INTEGER, "event_id": TEXT}, "connection")
    statement = rows.insertion(LINK)
    new = {name: statement.excluded[name] for name in ("owner", "at", "event_id")}
    same_time = and_(statement.excluded["at"] == LINK.c["at"], statement.excluded.event_id > LINK.c.event_id)
    later = or_(statement.excluded["at"] > LINK.c["at"], same_time)
    keys = ["identifier", "connection"]
    return rows.statement(statement.on_conflict_do_update(index_elements=keys, set_=new, where=later))


def root(tx: Connection, connection: str, identifier: str) -> str:
    """Returns the key of the profile that an identifier belongs to: the identifier itself where it has no link."""
    for _ in range(_STEPS):
        mine = (LINK.c.identifier == identifier) & (LINK.c.connection == connection)
        owner = tx.execute(select(LINK.c.owner).where(mine)).scalar()
        if owner is None:
            break
        identifier = owner
    return identifier


def roots_of(tx: Connection, connection: str, keys: Sequence[str]) -> list[str]:
    """Returns the keys of the profiles that these belong to, each once, in the order of their first appearance."""
    found = {key: key for key in keys}
    for _ in range(_STEPS):
        mine = (LINK.c.connection == connection) & among(tx, LINK.c.identifier, sorted({*found.values()}))
        owners = {row.identifier: row.owner for row in tx.execute(select(LINK.c.identifier, LINK.c.owner).where(mine))}
        found = {key: owners.get(root, root) for key, root in found.items()}
    return list(dict.fromkeys(found.values()))


def roots(tx: Connection, connection: str, after: str, limit: int) -> list[str]:
    """Returns the keys of the next profiles that belong to no other, in the store's order.

    Args:
        tx: A transaction.
        connection: The connection, by its name.
        after: The key to begin behind; "" for the first.
        limit: The most to return.
    """
    linked = exists().where(LINK.c.identifier == TABLE.c.key, LINK.c.connection == connection)
    mine = (TABLE.c.connection == connection) & (TABLE.c.key > after) & ~linked
    return list(tx.execute(select(TABLE.c.key).where(mine).order_by(TABLE.c.key).limit(limit)).scalars())


def members(tx: Connection, connection: str, keys: Sequence[str]) -> dict[str, list[str]]:
    """Returns for each of these profiles its key and then all identifiers that belong to it, the latest link last."""
    roots = {key: key for key in keys}
    said_at = dict.fromkeys(keys, -1)
    new = list(keys)
    for _ in range(_STEPS):
        mine = (LINK.c.connection == connection) & among(tx, LINK.c.owner, new)
        rows = tx.execute(select(LINK.c.identifier, LINK.c.owner, LINK.c["at"]).where(mine)).all()
        found = {row.identifier: roots[row.owner] for row in rows if row.identifier not in roots}
        said_at |= {row.identifier: row[2] for row in rows if row.identifier in found}
        roots |= found
        new = list(found)
    members: dict[str, list[str]] = {key: [] for key in keys}
    for identifier in sorted(roots, key=lambda each: (said_at[each], each)):
        members[roots[identifier]].append(identifier)
    return members


def states(tx: Connection, connection: str, keys: Sequence[str]) -> dict[str, tuple[str, float]]:
    """Returns the states, as JSON, of those profiles that exist, with the unix seconds of their last change."""
    mine = (TABLE.c.connection == connection) & among(tx, TABLE.c.key, keys)
    rows = select(TABLE.c.key, TABLE.c.state, TABLE.c.updated_at).where(mine)
    return {row.key: (row.state, row.updated_at) for row in tx.execute(rows)}


def mentioning(tx: Connection, names: Collection[str]) -> list[str]:
    """Returns the keys that belong to somebody with one of these names, in lower case; it looks at all profiles.

    An address of theirs may have passed to somebody else, whose profile is left out: one with another id in a workspace
    where theirs is known. In other workspaces they may have another id.
    """
    wanted = {f"{prefix}{name}" for prefix in _PREFIXES for name in names}
    named = {each for column in (TABLE.c.key, LINK.c.identifier, LINK.c.owner) for each in _named(tx, column, wanted)}
    with_id, found = {where for where, key in named if key.startswith(_ID)}, {key for _, key in named}
    for _ in range(_STEPS):
        rows = list(_linked(tx, found))
        found |= {row.owner for row in rows if row.connection not in with_id or not row.owner.startswith(_ID)}
        found |= {row.identifier for row in rows if row.owner in found}
    return sorted(found)


def _named(tx: Connection, column: Any, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yields connections and keys that are one of these in lower case, compared here: databases lower ASCII alone."""
    rows = select(column.table.c.connection, column).where(name_search.may_mention(column, wanted)).distinct()
    yield from ((where, key) for where, key in tx.execute(rows) if key.lower() in wanted)


def _linked(tx: Connection, keys: Collection[str]) -> Iterator[Any]:
    near = or_(among(tx, LINK.c.identifier, keys), among(tx, LINK.c.owner, keys))
    yield from tx.execute(select(LINK.c.connection, LINK.c.identifier, LINK.c.owner).where(near))


def erase(tx: Connection, keys: Collection[str]) -> int:
    """Erases the profiles with these keys, their links, reports and outgoing messages. Returns how many profiles."""
    erased = tx.execute(delete(TABLE).where(among(tx, TABLE.c.key, keys))).rowcount
    # Only then the rest, as who folds has it: else they might wait for one another in a circle.
    tx.execute(delete(LINK).where(or_(among(tx, LINK.c.identifier, keys), among(tx, LINK.c.owner, keys))))
    reported.erase(tx, keys)
    outgoing.erase(tx, keys)
    return erased
