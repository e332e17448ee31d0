"""A store that has many people in it already: real rows, written by intake and delivery, and then copied.

A copy differs from the original in the person's id, wherever it stands, and in the ids of their events.
"""

import psycopg
from psycopg import sql

from benchmarks.fleet import WARM_UP, Fleet

TABLES = ("entity", "identity", "event")
_COPY = """
INSERT INTO {table} ({columns})
SELECT {values} FROM {table}
CROSS JOIN generate_series(1, {copies}) AS number
CROSS JOIN LATERAL (SELECT 'u' || substr(md5(number || ' ' || key), 1, 12) AS new_key) AS copied
"""
_NEW_ULID = "left(id, 10) || upper(substr(md5(number || ' ' || id), 1, 16))"
_COLUMNS = """
SELECT column_name, data_type = 'text' FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position
"""
_SIZES = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname = ANY(%s)"


def fill(fleet: Fleet, people: int) -> None:
    """Copies the people whom the fleet has warmed up on, until the store holds about so many; nothing may be due."""
    with _connect(fleet) as connection:
        for table in TABLES:
            connection.execute(_copy(connection, table, people // WARM_UP.people - 1))
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def storage(fleet: Fleet) -> dict[str, float]:
    """Bytes a person, by table with its indexes, as they are after all that was done to them."""
    with _connect(fleet) as connection:
        people = connection.execute("SELECT count(*) FROM entity").fetchone() or (1,)
        sizes = connection.execute(_SIZES, [list(TABLES)]).fetchall()
    return {"people": people[0]} | {name: round(size / max(1, people[0])) for name, size in sizes}


def _connect(fleet: Fleet) -> psycopg.Connection:
    return psycopg.connect(fleet.store.replace("+psycopg", ""), autocommit=True)


def _copy(connection: psycopg.Connection, table: str, copies: int) -> sql.Composed:
    columns = connection.execute(_COLUMNS, [table]).fetchall()
    return sql.SQL(_COPY).format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
        values=sql.SQL(", ").join(_value(table, name, is_text=is_text) for name, is_text in columns),
        copies=sql.Literal(copies),
    )


def _value(table: str, column: str, *, is_text: bool) -> sql.Composable:
    if (table, column) == ("event", "id"):
        return sql.SQL(_NEW_ULID)
    name = sql.Identifier(column)
    return sql.SQL("replace({}, key, new_key)").format(name) if is_text else name
