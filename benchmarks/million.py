"""A store that has many people in it already: real rows, written by intake and delivery, and then copied.

A copy differs from the original in the digits that make up the person's id, wherever they stand, and in the ids of
their events. Copying ten million people must not take longer than measuring: meanwhile PostgreSQL waits for no disk and
keeps no log, and indexes are built at the end. All of that is as usual again when the fleet begins.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import psycopg
from psycopg import sql

from benchmarks.stage import Stage

TABLES = ("entity", "identity", "event")
HURRIED = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "32GB",
    "autovacuum": "off",
    "maintenance_work_mem": "1GB",
}
_AT_ONCE = 2
_COPY = """
INSERT INTO {table} ({columns})
SELECT {values} FROM {table}_original AS original
CROSS JOIN generate_series({first}::int, {last}::int) AS number
CROSS JOIN LATERAL (SELECT substr(key, 2) AS digits, substr(md5(number || ' ' || key), 1, 12) AS new_digits) AS copied
"""
_NEW_ULID = "left(id, 10) || upper(substr(md5(number || ' ' || id), 1, 16))"
_COLUMNS = """
SELECT column_name, data_type = 'text' FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position
"""
_KEYS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'
"""
_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE tablename = %s AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass)
"""
_SIZES = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relname = ANY(%s)"


def fill(stage: Stage, store: str, people: int) -> None:
    """Copies the people whom a fleet has left in the store at `store`, until it holds about so many.

    Nothing may be due, and nobody may work on the store meanwhile: PostgreSQL is started anew, twice.
    """
    stage.restart_postgres(HURRIED)
    with _connect(store) as connection:
        row = connection.execute("SELECT count(*) FROM entity").fetchone() or (1,)
        rebuilt = [statement for table in TABLES for statement in _set_aside(connection, table)]
    copies = max(0, people // max(1, row[0]) - 1)
    _side_by_side(store, [part for table in TABLES for part in _parts(store, table, copies)])
    _side_by_side(store, rebuilt)
    _side_by_side(store, [f"DROP TABLE {table}_original" for table in TABLES])
    _side_by_side(store, [f"VACUUM ANALYZE {table}" for table in TABLES])
    stage.restart_postgres({})
    with _connect(store) as connection:
        connection.execute("CHECKPOINT")


def storage(store: str) -> dict[str, float]:
    """Returns how many bytes a person takes, by table with its indexes, as they are after all that was done to them."""
    with _connect(store) as connection:
        people = connection.execute("SELECT count(*) FROM entity").fetchone() or (1,)
        sizes = connection.execute(_SIZES, [list(TABLES)]).fetchall()
    return {"people": people[0]} | {name: round(size / max(1, people[0])) for name, size in sizes}


def _connect(store: str) -> psycopg.Connection:
    return psycopg.connect(store.replace("+psycopg", ""), autocommit=True)


def _side_by_side(store: str, statements: Iterable[str | sql.Composed]) -> None:
    """Runs statements, as many at once as there are cores to run them."""

    def run(statement: str | sql.Composed) -> None:
        with _connect(store) as connection:
            connection.execute(statement.encode() if isinstance(statement, str) else statement)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(run, statements))


def _set_aside(connection: psycopg.Connection, table: str) -> list[str]:
    """Keeps the originals in a table of their own and takes the indexes away. Returns what builds them again."""
    keys = connection.execute(_KEYS, [table]).fetchall()
    indexes = connection.execute(_INDEXES, [table, table]).fetchall()
    drops = [f"ALTER TABLE {table} DROP CONSTRAINT {name}" for name, _ in keys]
    drops += [f"DROP INDEX {name}" for name, _ in indexes]
    for statement in (f"CREATE TABLE {table}_original AS TABLE {table}", *drops):
        connection.execute(statement.encode())
    return [f"ALTER TABLE {table} ADD CONSTRAINT {name} {what}" for name, what in keys] + [what for _, what in indexes]


def _parts(store: str, table: str, copies: int) -> list[sql.Composed]:
    """Returns the copying in as many statements as run at once."""
    with _connect(store) as connection:
        columns = connection.execute(_COLUMNS, [table]).fetchall()
    bounds = [1 + copies * part // _AT_ONCE for part in range(_AT_ONCE + 1)]
    return [
        sql.SQL(_COPY.replace("{table}_original", "{original}")).format(
            table=sql.Identifier(table),
            original=sql.Identifier(f"{table}_original"),
            columns=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
            values=sql.SQL(", ").join(_value(table, name, is_text=is_text) for name, is_text in columns),
            first=sql.Literal(first),
            last=sql.Literal(following - 1),
        )
        for first, following in pairwise(bounds)
    ]


def _value(table: str, column: str, *, is_text: bool) -> sql.Composable:
    if (table, column) == ("event", "id"):
        return sql.SQL(_NEW_ULID)
    name = sql.Identifier(column)
    return sql.SQL("replace({}, digits, new_digits)").format(name) if is_text else name
