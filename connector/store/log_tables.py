"""The tables that only say what happened: nothing is decided by them. Times are unix seconds."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, SmallInteger, Table, Text

from connector.store.tables import metadata

_COUNTED = BigInteger().with_variant(Integer, "sqlite")
"""Of a column that the database counts up: SQLite does so for its own kind of number only."""


HISTORY_TABLE = Table(
    "history",
    metadata,
    Column("id", _COUNTED, primary_key=True),
    Column("sync", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("what", SmallInteger, nullable=False),
    Column("came_to", SmallInteger),
    Column("detail", SmallInteger),
    Column("count", Integer),
    Column("events", Integer),
    Column("item", Integer),
    Column("call", Text),
    # Keys first, and nothing behind them: PostgreSQL keeps equal entries of an index once.
    Index("history_person", "key", "sync"),
    Index("history_at", "at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
)
"""What happened to a person at a time, in codes (`model/history`): what, and what it came to.

detail: of what was said their standing, of what was sent its sorts. count: how many messages, or items. events: how
many of what was said were new. call, item: the request, and the place of their first item in it.
"""


OPERATOR_LOG_TABLE = Table(
    "operator_log",
    metadata,
    Column("id", _COUNTED, primary_key=True),
    Column("at", Float, nullable=False),
    Column("operator", Text, nullable=False),
    Column("door", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Index("operator_log_at", "at"),
)
"""Something that was done by hand: when, who, by which door, what, to what (of people a digest), the outcome."""


APPROVAL_TABLE = Table(
    "approval",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sync", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("names", Text),
    Column("count", BigInteger, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("settled_by", Text),
    Column("settled_at", Float),
    Index("approval_asked", "asked_at"),
)
"""A request to let held deletions go, that waits for a second person: `model.approval` says what it means.

names: JSON, those that are meant; null for all that were held.
"""


TRACE_CONTEXT_TABLE = Table(
    "trace_context",
    metadata,
    Column("key", Text, primary_key=True),
    Column("sync", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("slot", SmallInteger, primary_key=True),
    Column("context", Text, nullable=False),
    Column("at", Float, nullable=False),
    # Keys first, as everywhere: PostgreSQL believes of a new table that the sync alone leaves one row.
    Index("trace_context_at", "at"),
)
"""A trace that a message about somebody is in, until what it said is settled. slot: which of a few places it has.

context: the traceparent of the span that took the message in.
"""
