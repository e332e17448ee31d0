"""The tables of the way back: webhooks, and what they come to. Times are unix seconds; JSON stands in text columns."""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from connector.store.tables import metadata

WAITING, FOLDED, NEVER = range(3)
"""States of a webhook: to be folded into a profile; folded; of no use, or erased."""


WEBHOOK_TABLE = Table(
    "webhook",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("body", Text),
    Column("received_at", Float, nullable=False, default=0.0),
    Column("state", Integer, nullable=False, default=WAITING),
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
"""A reporting webhook that was answered 200, by its event_id: a repeat is known by it.

body: as `activity.webhook.as_text` writes it, null once it has been erased.
"""


PROFILE_TABLE = Table(
    "profile",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("updated_at", Float, nullable=False, default=0.0),
    PrimaryKeyConstraint("key", "connection"),
)
"""What the webhooks about one identifier of a person have come to: `activity.profile_state` says what state is."""


PROFILE_LINK_TABLE = Table(
    "profile_link",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("identifier", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    PrimaryKeyConstraint("identifier", "connection"),
    Index("profile_link_owner", "owner", "connection"),
)
"""That an identifier belongs to the profile of another one (`activity.identity`), by what was said last."""


REPORTED_TABLE = Table(
    "reported",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("mark", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("address", Text, nullable=False),
    PrimaryKeyConstraint("key", "connection", "owner", "mark"),
)
"""The latest word of one kind about an identifier of a person: `model.reported` says what the columns are."""


OUTGOING_TABLE = Table(
    "outgoing",
    metadata,
    Column("id", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("target", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Float, nullable=False, default=0.0),
    Index("outgoing_target", "target", "id"),
    Index("outgoing_person", "person"),
)
"""A message that is to go on to a target (`[out]`), until the target has taken it. The ids are the order.

person: the key of the profile that it is about.
"""


OUT_TARGET_TABLE = Table(
    "out_target",
    metadata,
    Column("name", Text, primary_key=True),
    Column("failures", Integer, nullable=False, default=0),
    Column("paused_until", Float, nullable=False, default=0.0),
    Column("reason", Text, nullable=False, default=""),
    Column("alone_up_to", BigInteger, nullable=False, server_default="0"),
    Column("refusals", Integer, nullable=False, server_default="0"),
)
"""How a target fares: failures in a row, until when it is left alone, and why.

alone_up_to: up to this message each goes alone, since one of them was refused; refusals: how often the first was.
"""


IMPORT_JOB_TABLE = Table(
    "import_job",
    metadata,
    Column("id", Text, primary_key=True),
    Column("direction", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", Float, nullable=False, default=0.0),
    Column("changed_at", Float, nullable=False, default=0.0),
)
"""An import job: `model.import_job` says what the columns are."""
