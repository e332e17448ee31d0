"""Exports as a table of the customer's own database: a row that is written twice has one key, and is there once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    DateTime,
    Engine,
    MetaData,
    Table,
    Text,
    create_engine,
    delete,
    inspect,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from connector.bulk.export.columns import FORMS, ColumnType, LogRow, storable
from connector.bulk.warehouse.query import worded
from connector.errors import ConnectorError
from connector.model.export_state import ExportKind
from connector.store.bulk_sql import insert

_TYPES: Mapping[ColumnType, Any] = {
    "text": Text(),
    "integer": BigInteger(),
    "time": DateTime(timezone=True),
    "json": JSON().with_variant(JSONB(), "postgresql"),
}
_CONNECT_SECONDS, _STATEMENT_SECONDS = 10, 120
_ROWS_AT_ONCE = 1000
_BOUNDED = text("SELECT set_config('statement_timeout', :most, true), set_config('lock_timeout', :most, true)")


@dataclass
class WarehouseTable:
    """The table of one export, which is created where it is missing. url: the database; table: NAME or SCHEMA.NAME.

    Each transaction is short. In PostgreSQL each of its statements, and each wait for a lock, has 120 seconds.
    """

    export: str
    what: ExportKind
    url: str
    table: str

    def add(self, name: str, rows: Sequence[LogRow]) -> None:
        """Adds rows. A row whose key is there already is overwritten. Raises ConnectorError."""
        del name  # a row is known by its key
        with self._writing() as tx:
            self._put(tx, rows)

    def replace(self, pages: Iterable[Sequence[LogRow]], syncs: Sequence[str], taken_at: float) -> int:
        """Overwrites the row of each person, then deletes those of people of these syncs who are not held any more.

        taken_at: the time of the snapshot, in unix seconds; older rows are deleted. Returns how many rows it wrote.
        Raises ConnectorError.
        """
        count = 0
        for page in pages:
            with self._writing() as tx:
                self._put(tx, page)
            count += len(page)
        columns = self._table.c
        gone = columns.sync.in_(list(syncs)) & (columns.taken_at < _moment(taken_at))
        with self._writing() as tx:
            tx.execute(delete(self._table).where(gone))
        return count

    def close(self) -> None:
        """Gives up the engine. No connection is open by then: each transaction closes its own."""
        self._engine.dispose()

    def _put(self, tx: Connection, rows: Sequence[LogRow]) -> None:
        form = FORMS[self.what]
        statement = insert(tx.dialect.name, self._table)
        said = {each.name: statement.excluded[each.name] for each in form.columns if each.name not in form.key}
        statement = statement.on_conflict_do_update(index_elements=list(form.key), set_=said)
        cells = [{each.name: _cell(each.type, row.get(each.name)) for each in form.columns} for row in rows]
        for at in range(0, len(cells), _ROWS_AT_ONCE):
            tx.execute(statement, cells[at : at + _ROWS_AT_ONCE])

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Yields a transaction, after it has created the table where it is missing.

        Raises ConnectorError where the database fails, which shows nothing of the URL that is secret.
        """
        try:
            with self._engine.begin() as tx:
                if tx.dialect.name == "postgresql":
                    tx.execute(_BOUNDED, {"most": f"{_STATEMENT_SECONDS}s"})
                if not inspect(tx).has_table(self._table.name, schema=self._table.schema):
                    self._table.create(tx)
                yield tx
        except SQLAlchemyError as error:
            raise ConnectorError(f"export.{self.export}: {worded(error, self._url)}") from None

    @cached_property
    def _table(self) -> Table:
        schema, _, name = self.table.rpartition(".")
        form = FORMS[self.what]
        columns = [Column(each.name, _TYPES[each.type], primary_key=each.name in form.key) for each in form.columns]
        return Table(name, MetaData(), *columns, schema=schema or None)

    @cached_property
    def _url(self) -> URL:
        try:
            return make_url(self.url)
        except (ArgumentError, ValueError):
            raise ConnectorError(f"export.{self.export}: url is not one that SQLAlchemy can read") from None

    @cached_property
    def _engine(self) -> Engine:
        bounds = {"connect_timeout": _CONNECT_SECONDS, "tcp_user_timeout": 1000 * _STATEMENT_SECONDS}
        on_postgres = self._url.get_backend_name() == "postgresql"
        try:
            return create_engine(self._url, poolclass=NullPool, connect_args=bounds if on_postgres else {})
        except (ImportError, SQLAlchemyError) as error:
            raise ConnectorError(f"export.{self.export}: {worded(error, self._url)}") from None


def _cell(type: ColumnType, value: Any) -> Any:
    if value is None:
        return None
    match type:
        case "time":
            return _moment(value)
        case "text" | "json":
            return storable(value)
    return value


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
