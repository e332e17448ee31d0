"""Builds statements once, keeps them, and runs them on the database's own driver.

SQLAlchemy writes them, once for each database. What it does around each run costs three times as much as the driver,
and that is most of what a small batch costs: so what runs for every batch goes this way. Rows come back as tuples in
the order of the columns. The driver's errors become StoreErrors where the transaction was opened (`engine`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from operator import itemgetter
from typing import Any

import psycopg
from pydantic_core import to_json
from sqlalchemy import Connection, Dialect, Select, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from connector.store.arrays import Array, texts

SQLITE = "sqlite"
_CURSOR = "cursor of kept statements"

ResultRow = tuple[Any, ...]


def planned_rows(tx: Connection, found: Select[Any]) -> int:
    """Returns how many rows PostgreSQL estimates that a statement finds, by its statistics of the tables."""
    plan = tx.execute(text(f"EXPLAIN (FORMAT JSON) {found.compile(tx, compile_kwargs={'literal_binds': True})}"))
    return int(plan.scalar_one()[0]["Plan"]["Plan Rows"])


class Statement:
    """A statement with parameters made by `bulk_sql.given`; a list of texts is one made by `bulk_sql.among_given`."""

    def __init__(self, database: str, statement: Any) -> None:
        """Compiles the statement. database: a name as SQLAlchemy's dialects have it."""
        compiled = statement.compile(dialect=_dialect(database))
        self._text = str(compiled)
        self._constants: Mapping[str, Any] = {
            name: value for name, value in compiled.params.items() if not name.startswith("the_")
        }
        self._places: Sequence[str] | None = compiled.positiontup

    def run(self, tx: Connection, /, **values: Any) -> list[ResultRow]:
        """Runs it with these values of its parameters, and returns its rows."""
        return _rows(_executed(tx, self._text, self._given(values)))

    def run_with_commit(self, tx: Connection, /, **values: Any) -> None:
        """Runs it with the commit (`committing`): for what this transaction no longer reads."""
        _run_with_commit(tx, self._text, self._given(values))

    def _given(self, values: Mapping[str, Any]) -> Any:
        listed = texts if self._places is None else _json
        given: Any = {
            **self._constants,
            **{f"the_{name}": listed(each) if isinstance(each, list) else each for name, each in values.items()},
        }
        return given if self._places is None else [given[name] for name in self._places]


class RowsStatement:
    """A statement over many rows, each a tuple of `columns` (`bulk_sql.Rows` makes it).

    PostgreSQL gets an array for each column, SQLite the statement once for each row.
    """

    def __init__(self, database: str, statement: Any, columns: Mapping[str, Callable[[Sequence[Any]], Array]]) -> None:
        """Compiles the statement. columns: those of a row, in order, each with what makes an array of its values."""
        compiled = statement.compile(dialect=_dialect(database))
        self._text = str(compiled)
        self._columns = tuple((f"the_{name}", array) for name, array in columns.items())
        own = {name for name, _ in self._columns}
        self._constants = {
            name: value for name, value in compiled.params.items() if name not in own and not name.startswith("the_")
        }
        self._returns = bool(compiled.effective_returning)
        self._places: Sequence[str] | None = compiled.positiontup

    def run(self, tx: Connection, rows: Sequence[ResultRow], /, **same: Any) -> list[ResultRow]:
        """Runs it over rows, at least one, and returns its rows. same: the values of its other parameters."""
        others = self._others(same)
        if self._places is not None:
            return self._one_by_one(tx, rows, others, self._places)
        return _rows(_executed(tx, self._text, {**others, **self._arrays(rows)}))

    def run_with_commit(self, tx: Connection, rows: Sequence[ResultRow], /, **same: Any) -> None:
        """Runs it over rows, on PostgreSQL with the commit (`committing`): for what the transaction no longer reads."""
        if self._places is None:
            _run_with_commit(tx, self._text, {**self._others(same), **self._arrays(rows)})
        else:
            self.run(tx, rows, **same)

    def _others(self, same: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._constants, **{f"the_{name}": value for name, value in same.items()}}

    def _arrays(self, rows: Sequence[ResultRow]) -> dict[str, Array]:
        values = zip(*rows, strict=True)
        return {name: array(each) for (name, array), each in zip(self._columns, values, strict=True)}

    def _one_by_one(
        self, tx: Connection, rows: Sequence[ResultRow], others: Mapping[str, Any], places: Sequence[str]
    ) -> list[ResultRow]:
        names = [*(name for name, _ in self._columns), *others]
        # One place gives no tuple, so it is asked for twice, and the second is cut off.
        pick = itemgetter(*[names.index(name) for name in places], 0)
        rest, driver = tuple(others.values()), _driver(tx)
        given = [pick(row + rest)[:-1] for row in rows]
        if not self._returns:
            driver.executemany(self._text, given)
            return []
        return [found for each in given for found in driver.execute(self._text, each).fetchall()]


@contextmanager
def committing(tx: Connection) -> Iterator[None]:
    """Commits a transaction of PostgreSQL at the end, in one round trip with what `run_with_commit` was given.

    A block that fails leaves the transaction open, to be rolled back. Raises psycopg's errors.
    """
    # Kept by the driver's connection: `tx.info` is another transaction's as soon as this one's connection is lost.
    connection = _driver(tx).connection
    pending: list[tuple[str, Any]] = []
    connection.with_commit = pending
    try:
        yield
    finally:
        connection.with_commit = None
    if pending:
        with _noticing_the_end(tx) as driver:
            _commit_with(driver, pending)


def _commit_with(driver: Any, pending: Sequence[tuple[str, Any]]) -> None:
    connection = driver.connection
    try:
        with connection.pipeline():
            for words, values in pending:
                driver.execute(words, values)
            driver.execute("COMMIT", prepare=False)
    except psycopg.Error as error:
        if connection.pgconn.pipeline_status:  # PostgreSQL has ended it on the way, and psycopg cannot roll it back
            connection.close()
        raise _told(error) from None


def _told(error: psycopg.Error) -> psycopg.Error:
    """Returns the error that PostgreSQL gave: of a pipeline psycopg may raise only an error that followed from it."""
    while error.sqlstate is None and isinstance(error.__context__, psycopg.Error):
        error = error.__context__
    return error


def _run_with_commit(tx: Connection, words: str, values: Any) -> None:
    pending = getattr(_driver(tx).connection, "with_commit", None)
    if pending is None:
        _executed(tx, words, values)
    else:
        pending.append((words, values))


@cache
def _dialect(database: str) -> Dialect:
    if database == SQLITE:
        return SQLiteDialect_pysqlite()
    return PGDialect_psycopg()  # type: ignore[no-untyped-call]


def _driver(tx: Connection) -> Any:
    """Returns the driver's own cursor, one for each connection: each run ends before the next begins."""
    info = tx.info
    cursor = info.get(_CURSOR)
    if cursor is None:
        cursor = info[_CURSOR] = tx.connection.dbapi_connection.cursor()  # type: ignore[union-attr]
    return cursor


def _json(values: list[str]) -> str:
    return to_json(values).decode()


def _executed(tx: Connection, words: str, values: Any) -> Any:
    with _noticing_the_end(tx) as driver:
        return driver.execute(words, values)


@contextmanager
def _noticing_the_end(tx: Connection) -> Iterator[Any]:
    """Yields the driver's cursor; where the connection has closed meanwhile, it invalidates the transaction."""
    driver = _driver(tx)
    try:
        yield driver
    except psycopg.Error:
        if driver.connection.closed:
            tx.invalidate()
        raise


def _rows(cursor: Any) -> list[ResultRow]:
    found: list[ResultRow] = cursor.fetchall() if cursor.description else []
    return found
