"""The tables of alerts. Times are unix seconds."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from connector.store.tables import metadata

ALERT_TABLE = Table(
    "alert",
    metadata,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("episode", Integer, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("recovered_at", Float),
    Column("clear_since", Float),
    Column("acknowledged_at", Float),
    Column("told", Integer, nullable=False),
    Column("told_at", Float, nullable=False),
    Column("flaps", Integer, nullable=False, default=0),
    Column("acknowledged_by", Text),
)
"""Something that needs somebody, or did: `model.alert.AlertState` says what the columns mean."""


ALERT_NOTICE_TABLE = Table(
    "alert_notice",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("alert", Text, primary_key=True),
    Column("episode", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("change", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("message", Text),
    Column("told_at", Float),
    PrimaryKeyConstraint("channel", "alert", "episode", "number"),
    Index(
        "alert_notice_waiting",
        "channel",
        "at",
        sqlite_where=text("told_at IS NULL"),
        postgresql_where=text("told_at IS NULL"),
    ),
)
"""A change of state that a channel tells of, once: `model.alert.Notice` says what the first columns mean.

due_at: when it is to be told, told_at: when the channel took it. message: the id of the message that it is in, once
somebody has begun to send it; a message that nobody answered is sent again as it was.
"""


ALERT_CHANNEL_TABLE = Table(
    "alert_channel",
    metadata,
    Column("name", Text, primary_key=True),
    Column("failures", Integer, nullable=False, default=0),
    Column("reason", Text, nullable=False, default=""),
    Column("failing_since", Float),
    Column("next_at", Float, nullable=False, default=0.0),
    Column("told_at", Float),
    Column("holder", Text),
    Column("held_until", Float, nullable=False, default=0.0),
)
"""How a channel fares, and who tells by it until when: `model.alert.ChannelState` says what the rest means."""


HOURLY_TABLE = Table(
    "hourly",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
)
"""A count of one hour (unix time // 3600): the changes of a sync, or the size of a segment."""
