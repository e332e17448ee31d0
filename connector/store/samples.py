"""Draws samples: some of the people of a sync with nothing owed, taken at random from all of them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, tablesample, text

from connector.audience.audience_status import AudienceStatus
from connector.model.entity import Entity
from connector.store.entities import PERSON, TABLE, entity_of, parts
from connector.store.identifier_holders import TABLE as IDENTITY
from connector.store.tables import HELD

SCANNED_ROWS = 1_000_000
"""The number of rows above which a table is not looked through for a sample: PostgreSQL picks pages of it."""
_PAGES_FOR_ONE = 8
_PERCENT = 100.0
_HALF = 50.0
_MORE_EACH_TIME = 8

# Of these delivery makes no claim any more, or they are not to be there.
_UNCLAIMED = (
    AudienceStatus.CLEARED,
    AudienceStatus.DELETED,
    AudienceStatus.NO_IDENTIFIER,
    AudienceStatus.NO_EMAIL,
    AudienceStatus.SUPPRESSED,
)


def held(tx: Connection, sync: str, limit: int, scanned_rows: int = SCANNED_ROWS) -> list[str]:
    """Draws people at random whom Customer.io was confirmed to hold and to whom nothing is owed.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        limit: The most keys to return; everybody's if there are no more.
        scanned_rows: The number of rows above which only parts of the table are looked at.

    Returns:
        Their keys.
    """
    return _sample(tx, sync, limit, scanned_rows, gone=False)


def gone(tx: Connection, sync: str, limit: int, scanned_rows: int = SCANNED_ROWS) -> list[str]:
    """Draws users at random who were in the audience, are deleted and not held, and to whom nothing is owed.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        limit: The most keys to return; all of them if there are no more.
        scanned_rows: The number of rows above which only parts of the table are looked at.

    Returns:
        Their keys.
    """
    return _sample(tx, sync, limit, scanned_rows, gone=True)


def _sample(tx: Connection, sync: str, limit: int, scanned_rows: int, *, gone: bool) -> list[str]:
    found: list[str] = []
    for table in _portions(tx, limit, scanned_rows):
        wanted = and_(_quiet(table, sync), _gone(table) if gone else _held(table))
        keys = select(table.c.key).where(wanted).order_by(func.random()).limit(limit)
        found = list(tx.execute(keys).scalars())
        if len(found) == limit:
            break
    return found


def _portions(tx: Connection, limit: int, scanned_rows: int) -> Iterator[Any]:
    """Yields ever larger parts of a large table, and at last the whole."""
    rows = estimated_rows(tx)
    percent = _PERCENT if rows <= scanned_rows else _PERCENT * _PAGES_FOR_ONE * limit / rows
    while percent < _HALF:
        yield tablesample(TABLE, func.system(percent))
        percent *= _MORE_EACH_TIME
    yield TABLE


def estimated_rows(tx: Connection) -> float:
    """Returns how many rows the table of people has, as PostgreSQL last counted them; 0 if it does not know."""
    if tx.dialect.name == "sqlite":
        return 0
    counted = text("SELECT reltuples FROM pg_class WHERE oid = to_regclass(:name)")
    return float(tx.execute(counted, {"name": TABLE.name}).scalar() or 0)


def _quiet(table: Any, sync: str) -> ColumnElement[bool]:
    """Returns the condition that a user is not due, leased, in doubt or held, and waits for nothing."""
    return and_(
        table.c.sync == sync,
        table.c.kind == PERSON,
        table.c.due_at.is_(None),
        table.c.lease.is_(None),
        table.c.doubt == 0,
        table.c.waits_for.is_(None),
        table.c.lane != HELD,
    )


def _held(table: Any) -> ColumnElement[bool]:
    return and_(table.c.delivered.is_not(None), table.c.standing.not_in(_UNCLAIMED))


def _gone(table: Any) -> ColumnElement[bool]:
    return and_(table.c.delivered.is_(None), table.c.entered, table.c.standing == AudienceStatus.DELETED)


def quiet(tx: Connection, sync: str, keys: Collection[str]) -> list[Entity]:
    """Returns those of these users, held or gone, to whom nothing is owed now, in the order of their keys."""
    wanted = or_(_held(TABLE), _gone(TABLE))
    found: list[Entity] = []
    for part in parts(keys):
        rows = select(TABLE).where(_quiet(TABLE, sync), wanted, TABLE.c.key.in_(part)).order_by(TABLE.c.key)
        read = (entity_of(row, row.doubt) for row in tx.execute(rows))
        found += [entity for entity in read if not entity.unreadable]
    return found


def holders(tx: Connection, syncs: Collection[str], identifiers: Collection[str]) -> Mapping[str, set[Any]]:
    """Returns the holders of identifiers (as `encoding.identifier_text` writes them) in these syncs, as (sync, key)."""
    found: dict[str, set[Any]] = {}
    for part in parts(identifiers):
        rows = select(IDENTITY).where(IDENTITY.c.sync.in_(syncs), IDENTITY.c.identifier.in_(part))
        for row in tx.execute(rows):
            found.setdefault(row.identifier, set()).add((row.sync, row.key))
    return found
