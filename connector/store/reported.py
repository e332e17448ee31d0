"""Keeps what Customer.io has reported of people that may bear on what is sent to them: the latest word of each kind."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, or_, select
from sqlalchemy.types import TypeEngine

from connector.model.reported import ReportedWord
from connector.store.activity_tables import ReportedRow
from connector.store.bulk_sql import INTEGER, TEXT, Rows, among, among_given, given
from connector.store.statements import RowsStatement, Statement

TABLE: Table = ReportedRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
_COLUMNS = (TABLE.c.key, TABLE.c.owner, TABLE.c.mark, TABLE.c["at"], TABLE.c.event_id, TABLE.c.address)
ReportedWords = Mapping[str, Sequence[ReportedWord]]
"""The words by the keys of identifiers."""


def note(tx: Connection, connection: str, words: Iterable[ReportedWord]) -> None:
    """Keeps reports. For one identifier, owner and mark the latest wins, in whatever order they arrive.

    Args:
        tx: A writing transaction.
        connection: The connection, by its name.
        words: What was reported.
    """
    latest = {word[:3]: word for word in sorted(words, key=lambda one: one[3:])}
    if latest:
        _noting(tx.dialect.name).run(tx, sorted(latest.values()), connection=connection)


@cache
def _noting(database: str) -> RowsStatement:
    types: Mapping[str, TypeEngine[Any]] = {
        "key": TEXT,
        "owner": TEXT,
        "mark": TEXT,
        "at": INTEGER,
        "event_id": TEXT,
        "address": TEXT,
    }
    rows = Rows(database, types, "connection")
    statement = rows.insertion(TABLE)
    new = {name: statement.excluded[name] for name in ("at", "event_id", "address")}
    same_time = and_(statement.excluded["at"] == TABLE.c["at"], statement.excluded.event_id > TABLE.c.event_id)
    later = or_(statement.excluded["at"] > TABLE.c["at"], same_time)
    keys = ["key", "connection", "owner", "mark"]
    return rows.statement(statement.on_conflict_do_update(index_elements=keys, set_=new, where=later))


def words(tx: Connection, connection: str, keys: Collection[str]) -> ReportedWords:
    """Returns what was reported under these identifiers.

    Args:
        tx: A transaction.
        connection: The connection, by its name.
        keys: Identifiers, as `id:1001`.
    """
    found: dict[str, list[ReportedWord]] = {}
    for row in _asking(tx.dialect.name).run(tx, connection=connection, keys=list(keys)):
        found.setdefault(row[0], []).append(ReportedWord(*row))
    return found


@cache
def _asking(database: str) -> Statement:
    mine = among_given(database, TABLE.c.key) & (TABLE.c.connection == given("connection"))
    return Statement(database, select(*_COLUMNS).where(mine))


def of(found: ReportedWords, keys: Iterable[str]) -> list[ReportedWord]:
    """Returns those of the words that were reported under one of these identifiers."""
    return [word for key in keys for word in found.get(key, ())]


def erase(tx: Connection, keys: Collection[str]) -> None:
    """Erases what was reported under these identifiers, or of owners that they name."""
    tx.execute(delete(TABLE).where(or_(among(tx, TABLE.c.key, keys), among(tx, TABLE.c.owner, keys))))
