"""Writes many rows in one statement, in the way that each database does best.

SQLite runs one prepared statement for each row. PostgreSQL is handed one array for each column and joins with them:
four times as fast as a statement a row, and one plan (docs/architecture.md#postgresql). A statement is written once:
`Rows` gives its columns, which are parameters for the one and columns of `unnest` for the other.

What runs for each batch is built once per database and kept (`functools.cache`), with its values as parameters, as a
`Statement` or a `RowsStatement`: to build a statement costs more than to run it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ClauseElement,
    ColumnElement,
    Connection,
    Float,
    Text,
    any_,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.types import TypeEngine

from connector.store import arrays
from connector.store.arrays import Array
from connector.store.statements import SQLITE, RowsStatement

TEXT, INTEGER, FLOAT, BOOLEAN = Text(), BigInteger(), Float(53), Boolean()
_ARRAYS: Mapping[type[TypeEngine[Any]], Callable[[Sequence[Any]], Array]] = {
    Text: arrays.texts,
    BigInteger: arrays.integers,
    Float: arrays.floats,
    Boolean: arrays.booleans,
}


def given(name: str, type: TypeEngine[Any] = TEXT) -> BindParameter[Any]:
    """Returns a parameter of a statement that is kept (`statements`)."""
    return bindparam(f"the_{name}", type_=type)


def insert(database: str, table: Any) -> Any:
    """Returns an INSERT that can say ON CONFLICT, for a database (a name as SQLAlchemy's dialects have it)."""
    return insert_sqlite(table) if database == SQLITE else insert_postgresql(table)


def among(tx: Connection, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """Returns the condition that a column of text has one of these values."""
    if tx.dialect.name == SQLITE:
        return column.in_(values)
    return column == any_(bindparam(None, list(values), ARRAY(TEXT)))


def among_given(database: str, column: ColumnElement[str], name: str = "keys") -> ColumnElement[bool]:
    """Returns the condition that a column of text has one of the values in a `Statement`'s list parameter `name`."""
    if database == SQLITE:
        return column.in_(select(func.json_each(given(name)).table_valued("value").c.value))
    return column == any_(given(name, ARRAY(TEXT)))


class Rows:
    """The form of rows for a statement on a database: the columns that differ, and those of text that do not.

    In an UPDATE or DELETE join by all columns of the key, the same ones among them, and give none as a constant: where
    PostgreSQL has no statistics yet, it takes a constant to leave one row, and compares each row of the table with
    each one given.
    """

    def __init__(self, database: str, types: Mapping[str, TypeEngine[Any]], *same: str) -> None:
        """Makes the columns. types: of those that differ; same: columns of text that have one value in all rows."""
        self._database = database
        self._at_once = database != SQLITE
        self._types = dict(types)
        constants = [given(name).label(name) for name in same]
        if self._at_once:
            arrays = [given(name, ARRAY(type)) for name, type in types.items()]
            source: Any = func.unnest(*arrays).table_valued(*types, name="given").render_derived()
            if same:
                # OFFSET hides from the planner that these are constants.
                source = select(*source.c, *constants).offset(0).subquery("given_for")
            self._columns = dict(source.c)
        else:
            self._columns = {name: given(name, type) for name, type in types.items()}
            self._columns |= {name: given(name) for name in same}

    def __getitem__(self, name: str) -> Any:
        """Returns a column, for the statement's expressions."""
        return self._columns[name]

    def insertion(self, table: Any, *, unless: ColumnElement[bool] | None = None, **same: Any) -> Any:
        """Returns an INSERT of all columns, and of values or parameters for others, which can say ON CONFLICT.

        unless: PostgreSQL leaves out rows for which this holds. SQLite has nothing to gain by it.
        """
        statement = insert(self._database, table)
        if not self._at_once:
            return statement.values({**self._columns, **same})
        constants = [_expression(value, table.c[name].type).label(name) for name, value in same.items()]
        rows = select(*self._columns.values(), *constants)
        return statement.from_select([*self._columns, *same], rows if unless is None else rows.where(~unless))

    def statement(self, statement: Any) -> RowsStatement:
        """Returns a statement ready to run over rows: tuples of the columns that differ, in order."""
        return RowsStatement(
            self._database, statement, {name: _ARRAYS[type(each)] for name, each in self._types.items()}
        )


def _expression(value: Any, type: TypeEngine[Any]) -> Any:
    return value if isinstance(value, ClauseElement) else literal(value, type)
