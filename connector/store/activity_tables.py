"""The tables of the way back: webhooks, and what they come to. Times are unix seconds; JSON stands in text columns."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Text, text
from sqlmodel import Field, SQLModel

WAITING, FOLDED, NEVER = range(3)
"""States of a webhook: to be folded into a profile; folded; of no use, or erased."""


class WebhookRow(SQLModel, table=True):
    """A reporting webhook that was answered 200, by its event_id: a repeat is known by it.

    body: as `activity.webhook.as_text` writes it, null once it has been erased.
    """

    __tablename__ = "webhook"
    __table_args__ = (
        PrimaryKeyConstraint("event_id", "connection"),
        Index(
            "webhook_waiting",
            "connection",
            "received_at",
            sqlite_where=text("state = 0"),
            postgresql_where=text("state = 0"),
        ),
        Index("webhook_received", "received_at"),
    )

    connection: str = Field(primary_key=True, sa_type=Text)
    event_id: str = Field(primary_key=True, sa_type=Text)
    body: str | None = Field(default=None, sa_type=Text)
    received_at: float = 0.0
    state: int = WAITING


class ProfileRow(SQLModel, table=True):
    """The profile folded from the webhooks about an identifier of a person: `activity.profile_state` explains state."""

    __tablename__ = "profile"
    __table_args__ = (PrimaryKeyConstraint("key", "connection"),)

    connection: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    state: str = Field(sa_type=Text)
    updated_at: float = 0.0


class ProfileLinkRow(SQLModel, table=True):
    """The latest link of an identifier to the profile of another one (`activity.identity`)."""

    __tablename__ = "profile_link"
    __table_args__ = (
        PrimaryKeyConstraint("identifier", "connection"),
        Index("profile_link_owner", "owner", "connection"),
    )

    connection: str = Field(primary_key=True, sa_type=Text)
    identifier: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(sa_type=Text)
    at: int = Field(sa_column=Column(BigInteger, nullable=False))
    event_id: str = Field(sa_type=Text)


class ReportedRow(SQLModel, table=True):
    """The latest word of one kind about an identifier of a person: `model.reported` says what the columns are."""

    __tablename__ = "reported"
    __table_args__ = (PrimaryKeyConstraint("key", "connection", "owner", "mark"),)

    connection: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    owner: str = Field(primary_key=True, sa_type=Text)
    mark: str = Field(primary_key=True, sa_type=Text)
    at: int = Field(sa_column=Column(BigInteger, nullable=False))
    event_id: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)


class OutgoingRow(SQLModel, table=True):
    """A message that is to go on to a target (`[out]`), until the target has taken it. The ids are the order.

    person: the key of the profile that it is about.
    """

    __tablename__ = "outgoing"
    __table_args__ = (Index("outgoing_target", "target", "id"), Index("outgoing_person", "person"))

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    )
    target: str = Field(sa_type=Text)
    person: str = Field(sa_type=Text)
    message_id: str = Field(sa_type=Text)
    topic: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    at: float = 0.0


class OutTargetRow(SQLModel, table=True):
    """The circuit breaker of a target: failures in a row, until when it is paused (unix seconds), and why.

    alone_up_to: up to this message each goes alone, since one of them was refused; refusals: how often the first was.
    """

    __tablename__ = "out_target"

    name: str = Field(primary_key=True, sa_type=Text)
    failures: int = 0
    paused_until: float = 0.0
    reason: str = Field(default="", sa_type=Text)
    alone_up_to: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    refusals: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))


class ImportJobRow(SQLModel, table=True):
    """An import job: `model.import_job` says what the columns are."""

    __tablename__ = "import_job"

    id: str = Field(primary_key=True, sa_type=Text)
    direction: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    label: str = Field(sa_type=Text)
    description: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    started_at: float = 0.0
    changed_at: float = 0.0
