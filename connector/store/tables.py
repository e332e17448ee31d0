"""The tables. Times are unix seconds; JSON stands in text columns, encoded by `encoding`."""

from sqlalchemy import BigInteger, Column, Float, Index, Text, text
from sqlmodel import Field, SQLModel

metadata = SQLModel.metadata

PENDING, SENT, REFUSED, DROPPED = range(4)
"""States of an event: owed, confirmed, refused for good, never to be sent."""


class EntityRow(SQLModel, table=True):
    """A person (or another entity) of one sync.

    facts, delivered, tried: JSON. due_at is null where nothing is owed. lease names who is sending for this row until
    leased_until. waits_for: the identifier that another user holds, where there is such a conflict.
    """

    __tablename__ = "entity"
    __table_args__ = (
        Index(
            "entity_due",
            "sync",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index(
            "entity_leased",
            "sync",
            "lease",
            sqlite_where=text("lease IS NOT NULL"),
            postgresql_where=text("lease IS NOT NULL"),
        ),
        Index(
            "entity_waiting",
            "sync",
            "waits_for",
            sqlite_where=text("waits_for IS NOT NULL"),
            postgresql_where=text("waits_for IS NOT NULL"),
        ),
        Index("entity_outsider", "updated_at", sqlite_where=text("NOT entered"), postgresql_where=text("NOT entered")),
    )

    sync: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    facts: str = Field(sa_type=Text)
    delivered: str | None = Field(default=None, sa_type=Text)
    tried: str | None = Field(default=None, sa_type=Text)
    doubt: int = 0
    revision: int = Field(default=0, sa_type=BigInteger)
    entered: bool = False
    standing: str = Field(default="", sa_type=Text)
    waits_for: str | None = Field(default=None, sa_type=Text)
    due_at: float | None = None
    lease: str | None = Field(default=None, sa_type=Text)
    leased_until: float | None = None
    updated_at: float = 0.0


class IdentityRow(SQLModel, table=True):
    """Which user of a sync holds an identifier in Customer.io: two users under one would overwrite each other."""

    __tablename__ = "identity"
    __table_args__ = (Index("identity_holder", "sync", "key"),)

    sync: str = Field(primary_key=True, sa_type=Text)
    identifier: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(sa_type=Text)


class EventRow(SQLModel, table=True):
    """An event that was accepted, by its ULID. The body is dropped once sent; the row stays, to know a repeat by."""

    __tablename__ = "event"
    __table_args__ = (
        Index("event_pending", "sync", "key", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
    )

    sync: str = Field(primary_key=True, sa_type=Text)
    id: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(sa_type=Text)
    body: str | None = Field(default=None, sa_type=Text)
    occurred_at: int | None = Field(default=None, sa_type=BigInteger)
    state: int = PENDING
    accepted_at: float = 0.0


class ProblemRow(SQLModel, table=True):
    """What needs a human: the same problem again is counted, not repeated."""

    __tablename__ = "problem"

    id: str = Field(primary_key=True, sa_type=Text)
    sync: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    payload: str | None = Field(default=None, sa_type=Text)
    count: int = Field(default=1, sa_type=BigInteger)
    first_at: float = 0.0
    last_at: float = 0.0


class TallyRow(SQLModel, table=True):
    """How often something came out so: counted in the transaction that made it so."""

    __tablename__ = "tally"

    sync: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(primary_key=True, sa_type=Text)
    count: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class ConnectionRow(SQLModel, table=True):
    """One workspace: whether it is paused, until when and why; and when its next request may go.

    paused_until is infinity where only a human can help; credentials is a digest of those that were refused.
    """

    __tablename__ = "connection"

    name: str = Field(primary_key=True, sa_type=Text)
    paused_until: float | None = Field(default=None, sa_column=Column(Float))
    reason: str = Field(default="", sa_type=Text)
    failures: int = 0
    credentials: str = Field(default="", sa_type=Text)
    next_at: float = 0.0
