"""Keeps the traces of the messages about somebody between intake and delivery, where traces are exported.

A row is written with the facts of its message and dropped with the settlement that confirms them. Nothing is decided by
it. Somebody has at most `SLOTS` rows: a later trace of the same slot takes the place of an earlier one.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, delete, select

from connector.model.entity import EntityKind
from connector.store.bulk_sql import FLOAT, INTEGER, TEXT, Rows, among_given, given
from connector.store.entities import SAME
from connector.store.log_tables import TraceContextRow
from connector.store.statements import RowsStatement, Statement

TABLE: Any = TraceContextRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
SLOTS = 8
_TRACE_ENDS = 35
"""The place in a traceparent where the trace's id ends; the last digit of the id decides on the slot."""


def keep(tx: Connection, sync: str, kind: EntityKind, contexts: Iterable[tuple[str, str]], now: float) -> None:
    """Keeps the traces of messages about people or objects; a later one may take the slot of an earlier one.

    Args:
        tx: The transaction that takes the messages in, which has locked those they are about.
        sync: The name of the sync.
        kind: People or objects.
        contexts: Keys, each with a traceparent.
        now: The store's time, in unix seconds.
    """
    rows = {(key, _slot(context)): (key, _slot(context), context) for key, context in contexts}
    if rows:
        in_order = [rows[each] for each in sorted(rows)]
        _keeping(tx.dialect.name).run(tx, in_order, sync=sync, kind=kind, now=now)


def _slot(context: str) -> int:
    return int(context[_TRACE_ENDS - 1], 16) % SLOTS


@cache
def _keeping(database: str) -> RowsStatement:
    rows = Rows(database, {"key": TEXT, "slot": INTEGER, "context": TEXT})
    insertion = rows.insertion(TABLE, sync=given("sync"), kind=given("kind"), at=given("now", FLOAT))
    newer = {"context": insertion.excluded.context, "at": insertion.excluded.at}
    return rows.statement(insertion.on_conflict_do_update(index_elements=list(TABLE.primary_key.columns), set_=newer))


def of(tx: Connection, sync: str, kind: EntityKind, keys: Sequence[str]) -> dict[str, list[str]]:
    """Returns the traceparents that are kept of people or objects, by key, the earliest first.

    Args:
        tx: A transaction.
        sync: The name of the sync.
        kind: People or objects.
        keys: The keys.
    """
    found: dict[str, list[str]] = {}
    for key, context in _reading(tx.dialect.name).run(tx, sync=sync, kind=kind, keys=list(keys)):
        found.setdefault(key, []).append(context)
    return found


@cache
def _reading(database: str) -> Statement:
    mine = (TABLE.c.sync == given("sync")) & (TABLE.c.kind == given("kind"))
    found = select(TABLE.c.key, TABLE.c.context).where(among_given(database, TABLE.c.key), mine)
    return Statement(database, found.order_by(TABLE.c.key, TABLE.c.at, TABLE.c.slot))


def drop(tx: Connection, sync: str, kind: EntityKind, told: Mapping[str, Collection[str]]) -> None:
    """Deletes these traceparents, and none that has come since they were read.

    Args:
        tx: The transaction that settles, which has locked those they are about.
        sync: The name of the sync.
        kind: People or objects.
        told: The traceparents by key.
    """
    rows = [(key, context) for key in sorted(told) for context in sorted(told[key])]
    if rows:
        _dropping(tx.dialect.name).run(tx, rows, sync=sync, kind=kind)


@cache
def _dropping(database: str) -> RowsStatement:
    rows = Rows(database, {"key": TEXT, "context": TEXT}, *SAME)
    mine = (TABLE.c.key == rows["key"]) & (TABLE.c.sync == rows["sync"]) & (TABLE.c.kind == rows["kind"])
    return rows.statement(delete(TABLE).where(mine, TABLE.c.context == rows["context"]))


def erase(tx: Connection, sync: str, key: str) -> None:
    """Erases the trace contexts of a key."""
    tx.execute(delete(TABLE).where(TABLE.c.key == key, TABLE.c.sync == sync))
