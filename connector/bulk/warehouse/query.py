"""A query's rows as a table, read through the database's own cursor, some at a time.

The URL chooses the driver; those of PostgreSQL and SQLite come with the connector, others are installed beside it.
PostgreSQL and SQLite are told that a connection only reads. No error shows a secret of the URL.
"""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, Engine, bindparam, column, create_engine, event, select, text
from sqlalchemy.engine import URL, CursorResult, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from connector.bulk.tabular.column_names import Row, is_blank
from connector.bulk.tabular.parquet import plain
from connector.bulk.tabular.table import check_columns
from connector.bulk.warehouse import postgres_values
from connector.errors import ConnectorError, UnreadableError
from connector.model.change import Unreadable
from connector.settings.mistakes import starred, variable
from connector.settings.warehouse import WarehouseSource

ROWS_AT_ONCE = 1000
_OPTIONS: dict[str, Any] = {"stream_results": True, "yield_per": ROWS_AT_ONCE, "postgresql_readonly": True}
_UNTOUCHED = {"no_parameters": True}
"""The options for a query as it stands: without them a driver takes the percent sign of LIKE 'a%' for a parameter."""
_SHORTEST_SECRET = 4
_QUOTED = re.compile(r"(?<!\w)([\"'`])(.*?)\1")
_ALL_QUOTED = re.compile(r"(?<!\w)([\"'`]).*\1")


class QueryTable:
    """The rows of a query that has begun. position: how many were read; mark: the last one's marked value.

    columns: the names of the query's columns. size: None, since nobody knows how many rows there are.
    """

    size: int | None = None
    untyped = False

    def __init__(self, result: CursorResult[Any], url: URL, query: str, marked: str) -> None:
        """Takes the result of a query, and reads no row of it yet.

        Args:
            result: The result.
            url: The database, of which no secret is shown.
            query: The text of the query.
            marked: The column whose values are the rows' places, or "" for none.
        """
        self.columns = tuple(result.keys())
        self.position = 0
        self.mark: Any = None
        self._result = result
        self._url = url
        self._query = query
        self._marked = self.columns.index(marked) if marked in self.columns else None

    def rows(self) -> Iterator[Row | Unreadable]:
        """Yields each row by the names of its columns, but no blank rows. Raises UnreadableError if the database fails.

        A value that cannot be read is `UNREADABLE` in its row.
        """
        for values in self._values():
            self.position += 1
            self.mark = None if self._marked is None else values[self._marked]
            row = {name: plain(value) for name, value in zip(self.columns, values, strict=True) if name}
            if not is_blank(row):
                yield row

    def _values(self) -> Iterator[Any]:
        try:
            yield from chain.from_iterable(self._result.partitions(ROWS_AT_ONCE))
        except Exception as error:  # noqa: BLE001 - a driver may raise anything
            raise UnreadableError(f"the query broke off: {worded(error, self._url, self._query)}") from None


@contextmanager
def opened(
    source: WarehouseSource, *, marked: str = "", since: Any = None, after: Any = None, limit: int | None = None
) -> Iterator[QueryTable]:
    """Runs the source's query, and yields its rows. Without `marked`, the last three arguments have no effect.

    Args:
        source: The source, with its query.
        marked: The column whose values are the rows' places. Where it is given, rows come in its order, without
            those where it is null.
        since: Only rows with this value of the column or a later one.
        after: Only rows with a later value than this one.
        limit: The most rows to return.

    Raises:
        ConnectorError: The database cannot be reached, its driver is missing, it refuses the query, or two columns
            have one name.
    """
    url = _url(source)
    engine = _engine(url, source)
    try:
        with (
            _connected(engine, source).execution_options(**_OPTIONS) as connection,
            closing(_run(connection, source, marked, since, after, limit)) as result,
        ):
            table = QueryTable(result, url, source.query, marked)
            check_columns(table.columns, _name(source))
            yield table
    except SQLAlchemyError as error:
        raise ConnectorError(f"{_name(source)}: {worded(error, url, source.query)}") from None
    finally:
        engine.dispose()


def reach(source: WarehouseSource) -> str:
    """Connects to the source's database, runs no query, and returns SQLAlchemy's name for its kind, as "postgresql".

    Raises ConnectorError where it cannot be reached.
    """
    url = _url(source)
    engine = _engine(url, source)
    try:
        _connected(engine, source).close()
    finally:
        engine.dispose()
    return url.get_backend_name()


def _name(source: WarehouseSource) -> str:
    return f"sources.{source.name}"


def _url(source: WarehouseSource) -> URL:
    if source.url is None:
        missing = variable(("sources", source.name, "url"))
        raise ConnectorError(f"{_name(source)}: url is not set: give {missing}")
    try:
        url = make_url(source.url.get_secret_value())
    except (ArgumentError, ValueError):
        raise ConnectorError(f"{_name(source)}: url is not one that SQLAlchemy can read") from None
    if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).is_file()):
        raise ConnectorError(f"{_name(source)}: there is no such SQLite file (the path is from where the program runs)")
    return url


def _engine(url: URL, source: WarehouseSource) -> Engine:
    try:
        engine = create_engine(url, poolclass=NullPool)
    except ImportError as error:
        driver = f"the driver of {url.drivername} is not installed: {error}"
        raise ConnectorError(f"{_name(source)}: {driver}; install it where the workers run") from None
    except SQLAlchemyError as error:
        raise ConnectorError(f"{_name(source)}: {worded(error, url)}") from None
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only = ON"))
    if url.get_driver_name() == "psycopg":
        event.listen(engine, "connect", lambda raw, _: postgres_values.register(raw))
    return engine


def _connected(engine: Engine, source: WarehouseSource) -> Connection:
    try:
        return engine.connect()
    except SQLAlchemyError as error:
        raise ConnectorError(f"{_name(source)}: {worded(error, engine.url)}") from None


def _run(
    tx: Connection, source: WarehouseSource, marked: str, since: Any, after: Any, limit: int | None
) -> CursorResult[Any]:
    """Runs the query: as it stands without `marked`, else in a SELECT that orders, bounds and limits its rows."""
    query = source.query.strip().rstrip(";")
    try:
        if not marked:
            return tx.exec_driver_sql(query, execution_options=_UNTOUCHED)
        # A bare colon would begin a parameter of SQLAlchemy's. The new line ends a comment at the end of the query.
        inner = text(query.replace(":", r"\:") + "\n").columns(column(marked)).alias("source_rows")
        place = inner.c[marked]
        outer = select(text("*")).select_from(inner).where(place.is_not(None)).order_by(place).limit(limit)
        if since is not None:
            outer = outer.where(place >= _given(since))
        if after is not None:
            outer = outer.where(place > _given(after))
        return tx.execute(outer)
    except SQLAlchemyError:
        raise
    except Exception as error:  # noqa: BLE001 - a driver may raise anything
        raise ConnectorError(f"{_name(source)}: {worded(error, tx.engine.url, source.query)}") from None


def _given(value: Any) -> Any:
    """Returns a value as one to compare a column with: a time that has a zone is sent with it."""
    zoned = getattr(value, "tzinfo", None) is not None
    return bindparam(None, value, DateTime(timezone=True)) if zoned else value


def worded(error: BaseException, url: URL, query: str | None = None) -> str:
    """Returns the first line of what the database or driver says, without anything of the URL that is secret.

    Args:
        error: What was raised.
        url: The database.
        query: The text of the query, where rows may have been read: quoted texts may then be values of somebody's row,
            and are left out unless the query has them.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first_line = next(iter(str(cause).strip().splitlines()), "")
    said = starred(f"{type(cause).__name__}: {first_line}")
    for secret in _secrets(url):
        said = said.replace(secret, "***")
    return said if query is None else _without_values(said, query)


def _without_values(said: str, query: str) -> str:
    """Returns what a database says without its quoted texts, unless the query has all of them, as names of tables."""
    asked = query.casefold()
    if all(each[1].casefold() in asked for each in _QUOTED.findall(said)):
        return said
    return _ALL_QUOTED.sub(r"\1***\1", said)


def _secrets(url: URL) -> list[str]:
    """Returns what may be secret in a URL: its password and the values of its parameters, where not very short."""
    parameters = [value for values in url.normalized_query.values() for value in values]
    given = [url.password or "", *parameters]
    return sorted((each for each in given if len(each) >= _SHORTEST_SECRET), key=len, reverse=True)
