"""The tables that only say what happened: nothing is decided by them. Times are unix seconds."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Text
from sqlmodel import Field, SQLModel

_COUNTED = BigInteger().with_variant(Integer, "sqlite")
"""The type of a column that the database counts up: SQLite does so for its own kind of number only."""


class HistoryRow(SQLModel, table=True):
    """An entry in a person's history, in codes (`model.history`): what happened, and what it came to.

    detail: of what was said their standing, of what was sent its sorts. count: how many messages, or items. events: how
    many of what was said were new. call, item: the request, and the place of their first item in it.
    """

    __tablename__ = "history"
    # Keys first, and nothing behind them: PostgreSQL keeps equal entries of an index once.
    __table_args__ = (
        Index("history_person", "key", "sync"),
        Index("history_at", "at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    )

    id: int | None = Field(default=None, sa_column=Column(_COUNTED, primary_key=True))
    sync: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    at: float
    what: int = Field(sa_type=SmallInteger)
    came_to: int | None = Field(default=None, sa_type=SmallInteger)
    detail: int | None = Field(default=None, sa_type=SmallInteger)
    count: int | None = Field(default=None, sa_type=Integer)
    events: int | None = Field(default=None, sa_type=Integer)
    item: int | None = Field(default=None, sa_type=Integer)
    call: str | None = Field(default=None, sa_type=Text)


class OperatorLogRow(SQLModel, table=True):
    """An act done by hand: when, by whom, by which door, what, to what (a digest for people), and the outcome."""

    __tablename__ = "operator_log"
    __table_args__ = (Index("operator_log_at", "at"),)

    id: int | None = Field(default=None, sa_column=Column(_COUNTED, primary_key=True))
    at: float
    operator: str = Field(sa_type=Text)
    door: str = Field(sa_type=Text)
    act: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    outcome: str = Field(sa_type=Text)


class ApprovalRow(SQLModel, table=True):
    """A request to let held deletions go, that waits for a second person: `model.approval` says what it means.

    names: JSON, those that are meant; null for all that were held.
    """

    __tablename__ = "approval"
    __table_args__ = (Index("approval_asked", "asked_at"),)

    id: str = Field(primary_key=True, sa_type=Text)
    sync: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    names: str | None = Field(default=None, sa_type=Text)
    count: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    asked_by: str = Field(sa_type=Text)
    asked_at: float
    expires_at: float
    settled_by: str | None = Field(default=None, sa_type=Text)
    settled_at: float | None = None


class TraceContextRow(SQLModel, table=True):
    """A trace of a message about somebody, until what it said is settled. slot: one of the few that they have.

    context: the traceparent of the span that took the message in.
    """

    __tablename__ = "trace_context"
    # Keys first, as everywhere: PostgreSQL believes of a new table that the sync alone leaves one row.
    __table_args__ = (Index("trace_context_at", "at"),)

    key: str = Field(primary_key=True, sa_type=Text)
    sync: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(primary_key=True, sa_type=Text)
    slot: int = Field(primary_key=True, sa_type=SmallInteger)
    context: str = Field(sa_type=Text)
    at: float
