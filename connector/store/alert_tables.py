"""The tables of alerts. Times are unix seconds."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Text, text
from sqlmodel import Field, SQLModel


class AlertRow(SQLModel, table=True):
    """An alert, open or past: `model.alert.AlertState` says what the columns mean."""

    __tablename__ = "alert"

    key: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    severity: str = Field(sa_type=Text)
    sentence: str = Field(sa_type=Text)
    episode: int
    opened_at: float
    recovered_at: float | None = None
    clear_since: float | None = None
    acknowledged_at: float | None = None
    told: int
    told_at: float
    flaps: int = 0
    acknowledged_by: str | None = Field(default=None, sa_type=Text)


class AlertNoticeRow(SQLModel, table=True):
    """A change of state that a channel tells of, once: `model.alert.Notice` says what the first columns mean.

    due_at: when it is to be told, told_at: when the channel took it. message: the id of the message that it is in, once
    somebody has begun to send it; a message that nobody answered is sent again as it was.
    """

    __tablename__ = "alert_notice"
    __table_args__ = (
        PrimaryKeyConstraint("channel", "alert", "episode", "number"),
        Index(
            "alert_notice_waiting",
            "channel",
            "at",
            sqlite_where=text("told_at IS NULL"),
            postgresql_where=text("told_at IS NULL"),
        ),
    )

    channel: str = Field(primary_key=True, sa_type=Text)
    alert: str = Field(primary_key=True, sa_type=Text)
    episode: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    change: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    severity: str = Field(sa_type=Text)
    sentence: str = Field(sa_type=Text)
    at: float
    opened_at: float
    due_at: float
    message: str | None = Field(default=None, sa_type=Text)
    told_at: float | None = None


class AlertChannelRow(SQLModel, table=True):
    """A channel's state, and the lease on it (holder, held_until): `model.alert.ChannelState` explains the rest."""

    __tablename__ = "alert_channel"

    name: str = Field(primary_key=True, sa_type=Text)
    failures: int = 0
    reason: str = Field(default="", sa_type=Text)
    failing_since: float | None = None
    next_at: float = 0.0
    told_at: float | None = None
    holder: str | None = Field(default=None, sa_type=Text)
    held_until: float = 0.0


class HourlyRow(SQLModel, table=True):
    """A count of one hour (unix time // 3600): the changes of a sync, or the size of a segment."""

    __tablename__ = "hourly"

    subject: str = Field(primary_key=True, sa_type=Text)
    hour: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    count: int = Field(sa_column=Column(BigInteger, nullable=False))
