"""What PostgreSQL counted while a block ran: write-ahead log, rows written, rows left dead, autovacuum."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

_TOLD_AFTER = 1.2
"""Seconds after which every session has told its counts: PostgreSQL's sessions do so at most once a second."""
_WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint, wal_fpi FROM pg_stat_wal"
_ROWS = """
SELECT coalesce(sum(n_tup_ins), 0)::bigint, coalesce(sum(n_tup_upd), 0)::bigint,
       coalesce(sum(n_tup_hot_upd), 0)::bigint, coalesce(sum(n_tup_del), 0)::bigint,
       coalesce(sum(autovacuum_count), 0)::bigint, coalesce(sum(n_dead_tup), 0)::bigint
FROM pg_stat_user_tables
"""
_COMMITS = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
_NAMES = ("wal_bytes", "full_pages", "inserted", "updated", "updated_hot", "deleted", "autovacuums", "dead", "commits")
_AT_THE_END = ("dead",)
"""Not counted from the beginning: what is there at the end."""


@dataclass(slots=True)
class Counted:
    """`told` is there once the block has ended."""

    told: dict[str, int] = field(default_factory=dict)


@contextmanager
def counted(url: str) -> Iterator[Counted]:
    """Counts in the store at `url` (a SQLAlchemy URL) for as long as the block lasts."""
    found = Counted()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        before = _look(connection)
        yield found
        time.sleep(_TOLD_AFTER)
        after = _look(connection)
    found.told = {name: after[name] - (0 if name in _AT_THE_END else before[name]) for name in _NAMES}


def _look(connection: psycopg.Connection) -> dict[str, int]:
    rows = [connection.execute(question).fetchone() or () for question in (_WAL, _ROWS, _COMMITS)]
    return dict(zip(_NAMES, (int(value) for row in rows for value in row), strict=True))
