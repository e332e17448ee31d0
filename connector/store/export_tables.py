"""The tables of exports: how far each has come, and what only they read. Times are unix seconds."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, Table, Text

from connector.store.tables import metadata

_COUNTED = BigInteger().with_variant(Integer, "sqlite")
"""Of a column that the database counts up: SQLite does so for its own kind of number only."""


EXPORT_TABLE = Table(
    "export",
    metadata,
    Column("name", Text, primary_key=True),
    Column("first_seen_at", Float, nullable=False),
    Column("asked", Boolean, nullable=False, default=False),
    Column("position", Text, nullable=False, default=""),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("rows", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("failing_since", Float),
    Column("error", Text, nullable=False, default=""),
)
"""An export and its last run: `model.export_state` says what the columns mean."""


SOURCE_RUN_TABLE = Table(
    "source_run",
    metadata,
    Column("id", _COUNTED, primary_key=True),
    Column("source", Text, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("left_count", BigInteger, nullable=False),
    Column("unreadable", BigInteger, nullable=False),
    Column("repeated", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Index("source_run_ended", "ended_at"),
)
"""A run of a source that came to its end; the source's own row knows only of the last one."""
