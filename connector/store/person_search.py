"""Finds the users whom a name means: by an index, or among all people in parts, so that no statement takes long."""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from connector.store import erasure, name_search
from connector.store.bulk_sql import among
from connector.store.entities import PERSON, TABLE, entity_of


class FoundKey(NamedTuple):
    """A user whom a name may mean, and the syncs that have a row of them. known: how they are known by the name."""

    key: str
    syncs: tuple[str, ...]
    known: str


class SomePeople(NamedTuple):
    """The people found among some rows, about how many rows these were, and the last key; "" where no more follow."""

    found: list[FoundKey]
    rows: int
    last: str


def by_index(tx: Connection, name: str, sync: str, limit: int) -> list[FoundKey]:
    """Returns the user with a name as their key, or else the users who hold it as an identifier.

    Args:
        tx: A transaction.
        name: The key, or the identifier's value; of an e-mail address whatever its case.
        sync: Only in this sync; "" for all.
        limit: How many to return at most.
    """
    if "\0" in name:
        return []
    own = _found(tx, [name], sync, "key")
    if own:
        return own
    held = sorted({key for of, key in erasure.holders(tx, name) if sync in ("", of)})[:limit]
    if not held and name != name.lower():
        return _found(tx, [name.lower()], sync, "key")
    return _found(tx, held, sync, "identifier")


def _found(tx: Connection, keys: list[str], sync: str, known: str) -> list[FoundKey]:
    if not keys:
        return []
    rows = select(TABLE.c.key, TABLE.c.sync).where(TABLE.c.kind == PERSON, among(tx, TABLE.c.key, keys))
    syncs: dict[str, list[str]] = {}
    for key, of in tx.execute(rows.where(TABLE.c.sync == sync) if sync else rows):
        syncs.setdefault(key, []).append(of)
    return [FoundKey(key, tuple(sorted(syncs[key])), known) for key in sorted(syncs)]


def some(tx: Connection, name: str, sync: str, after: str, limit: int) -> SomePeople:
    """Returns the users known by a name in any way among the next rows, in the order of their keys.

    Args:
        tx: A transaction.
        name: The name.
        sync: Only in this sync; "" for all.
        after: The key to begin behind; "" at the beginning.
        limit: How many rows are looked at, about: the rows of a key stay together.
    """
    key = TABLE.c.key
    end = tx.execute(select(key).where(key > after).order_by(key).offset(limit).limit(1)).scalar()
    here = key > after if end is None else and_(key > after, key <= end)
    syncs: dict[str, list[str]] = {}
    known: dict[str, str] = {}
    for row in tx.execute(select(TABLE).where(here, TABLE.c.kind == PERSON, _speaks(name, sync)).order_by(key)):
        ways = name_search.known_as(entity_of(row, row.doubt), name)
        if ways:
            syncs.setdefault(row.key, []).append(row.sync)
            known.setdefault(row.key, min(ways))
    found = [FoundKey(each, tuple(sorted(syncs[each])), known[each]) for each in syncs]  # as the store orders keys
    return SomePeople(found, limit, end or "")


def _speaks(name: str, sync: str) -> ColumnElement[bool]:
    columns = (TABLE.c.key, TABLE.c.facts, TABLE.c.delivered, TABLE.c.tried)
    spoken_of = or_(*(name_search.may_mention(column, [name]) for column in columns))
    return and_(spoken_of, TABLE.c.sync == sync) if sync else spoken_of
