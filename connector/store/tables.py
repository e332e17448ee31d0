"""The tables. Times are unix seconds; JSON stands in text columns, encoded by `encoding`."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    text,
)
from sqlmodel import Field, SQLModel

metadata = SQLModel.metadata

PENDING, SENT, REFUSED, DROPPED = range(4)
"""The states of an event: owed, confirmed, refused for good, never to be sent."""

LIVE, ADMITTED, EXIT, BACKFILL, HELD = range(5)
"""The lanes of an entity, in the order in which they are claimed: live changes; deletions that the guard let pass;
deletions that it has yet to see; what a bulk load or a resync brought. Held deletions are not claimed.
"""


class EntityRow(SQLModel, table=True):
    """A person or an object of one sync.

    facts, delivered, tried: JSON. due_at is null if nothing is owed, lane says in which line it waits. lease names
    the claim that has this row until leased_until. memberships: JSON, what was delivered of manual segments; removals:
    JSON, what Customer.io has confirmed to have taken away; null for nothing. waits_for: the identifier that another
    user holds, if there is such a conflict. attempts: how often in a row a request failed at this one alone, which
    then is sent by itself.
    """

    __tablename__ = "entity"
    __table_args__ = (
        # The key first: PostgreSQL, as long as it has no statistics, takes the first columns alone to be enough.
        PrimaryKeyConstraint("key", "sync", "kind"),
        Index(
            "entity_due",
            "sync",
            "kind",
            "lane",
            "due_at",
            sqlite_where=text("due_at IS NOT NULL"),
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index(
            "entity_waiting",
            "sync",
            "waits_for",
            sqlite_where=text("waits_for IS NOT NULL"),
            postgresql_where=text("waits_for IS NOT NULL"),
        ),
        Index("entity_held", "sync", "key", sqlite_where=text("lane = 4"), postgresql_where=text("lane = 4")),
        Index(
            "entity_alone",
            "sync",
            "kind",
            "due_at",
            sqlite_where=text("attempts > 0"),
            postgresql_where=text("attempts > 0"),
        ),
        Index("entity_outsider", "updated_at", sqlite_where=text("NOT entered"), postgresql_where=text("NOT entered")),
    )

    sync: str = Field(primary_key=True, sa_type=Text)
    kind: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)
    facts: str = Field(sa_type=Text)
    delivered: str | None = Field(default=None, sa_type=Text)
    tried: str | None = Field(default=None, sa_type=Text)
    memberships: str | None = Field(default=None, sa_type=Text)
    removals: str | None = Field(default=None, sa_type=Text)
    doubt: int = 0
    revision: int = Field(default=0, sa_type=BigInteger)
    entered: bool = False
    standing: str = Field(default="", sa_type=Text)
    waits_for: str | None = Field(default=None, sa_type=Text)
    due_at: float | None = None
    lane: int = Field(default=LIVE, sa_column_kwargs={"server_default": "0"})
    lease: str | None = Field(default=None, sa_type=Text)
    leased_until: float | None = None
    attempts: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default="0"))
    updated_at: float = 0.0


class RelationRow(SQLModel, table=True):
    """A relationship of a person (key) to an object, by which they are found when the object is created or deleted.

    A row too many does no harm, one too few would: delivery adds what is missing before it sends for the person.
    """

    __tablename__ = "relation"
    __table_args__ = (PrimaryKeyConstraint("key", "sync", "object"), Index("relation_object", "object", "sync"))

    sync: str = Field(primary_key=True, sa_type=Text)
    object: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(primary_key=True, sa_type=Text)


class IdentityRow(SQLModel, table=True):
    """The user of a sync who holds an identifier in Customer.io: two users under one would overwrite each other."""

    __tablename__ = "identity"
    __table_args__ = (PrimaryKeyConstraint("identifier", "sync"),)
    sync: str = Field(primary_key=True, sa_type=Text)
    identifier: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(sa_type=Text)


class EventRow(SQLModel, table=True):
    """An accepted event, by its ULID. The body is dropped once it is sent; by the row a repeat is recognised."""

    __tablename__ = "event"
    __table_args__ = (
        Index("event_pending", "key", "sync", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
        Index("event_accepted", "accepted_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
        Index("event_known_by", text("substr(id, 11)"), "sync"),
    )

    sync: str = Field(primary_key=True, sa_type=Text)
    id: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(sa_type=Text)
    body: str | None = Field(default=None, sa_type=Text)
    occurred_at: int | None = Field(default=None, sa_type=BigInteger)
    state: int = PENDING
    accepted_at: float = 0.0


INDEXED_CHARACTERS = 100
"""The characters of a problem's subject that its index has: upstream may make a key of any length."""


class ProblemRow(SQLModel, table=True):
    """A problem, which needs a human. The same problem again is counted, not repeated.

    cause: what it has in common with others (`problem_bounds.cause_id`), null where an older version has written it.
    """

    __tablename__ = "problem"
    __table_args__ = (
        Index("problem_recent", "sync", "kind", "last_at"),
        Index("problem_cause", "cause", "last_at", "id"),
        Index("problem_latest", "last_at", "id"),
        Index("problem_subject", text(f"substr(subject, 1, {INDEXED_CHARACTERS})")),
    )

    id: str = Field(primary_key=True, sa_type=Text)
    sync: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    payload: str | None = Field(default=None, sa_type=Text)
    form: str | None = Field(default=None, sa_type=Text)
    count: int = Field(default=1, sa_type=BigInteger)
    first_at: float = 0.0
    last_at: float = 0.0
    cause: str | None = Field(default=None, sa_type=Text)


class TallyRow(SQLModel, table=True):
    """A tally of an outcome, counted in the transaction that caused it, in one of several slots.

    sync: the scope that it is counted for, which is a sync or what `tallies` names otherwise.
    """

    __tablename__ = "tally"

    sync: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(primary_key=True, sa_type=Text)
    slot: int = Field(default=0, sa_column=Column(BigInteger, primary_key=True, server_default="0"))
    count: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class MinuteRow(SQLModel, table=True):
    """A tally of an outcome within one minute (unix time // 60), in one of several slots, as `TallyRow`."""

    __tablename__ = "minute"
    # The minute first: what is written and read is of a few minutes, and of all scopes.
    __table_args__ = (PrimaryKeyConstraint("minute", "scope", "name", "slot"),)

    minute: int = Field(sa_column=Column(BigInteger, nullable=False))
    scope: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    slot: int = Field(sa_column=Column(BigInteger, nullable=False))
    count: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class TallyHourRow(SQLModel, table=True):
    """A tally of an outcome within one hour (unix time // 3600): its minutes, added up once it is over."""

    __tablename__ = "tally_hour"
    __table_args__ = (PrimaryKeyConstraint("scope", "hour", "name"), Index("tally_hour_at", "hour"))

    scope: str = Field(sa_type=Text)
    hour: int = Field(sa_column=Column(BigInteger, nullable=False))
    name: str = Field(sa_type=Text)
    count: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class ConnectionRow(SQLModel, table=True):
    """One workspace: whether it is paused, until when and why; and when its next request may go.

    paused_until is infinity where only a human can help; credentials is a digest of those that were refused.
    failing_since: when the first of the failures came that no success has followed yet.
    """

    __tablename__ = "connection"

    name: str = Field(primary_key=True, sa_type=Text)
    paused_until: float | None = Field(default=None, sa_column=Column(Float))
    reason: str = Field(default="", sa_type=Text)
    failures: int = 0
    credentials: str = Field(default="", sa_type=Text)
    next_at: float = 0.0
    failing_since: float | None = None


class ProcessRow(SQLModel, table=True):
    """A process with its heartbeat of every few seconds: its name and its role (worker, beat, web, run, sweep).

    A process that ends in order deletes its row, so a row with an old heartbeat is of one that died.
    """

    __tablename__ = "process"

    name: str = Field(primary_key=True, sa_type=Text)
    role: str = Field(sa_type=Text)
    started_at: float
    seen_at: float


class GuardRow(SQLModel, table=True):
    """The state of a sync's deletion guard: the audience, counted at counted_at; since when it holds deletions."""

    __tablename__ = "guard"

    sync: str = Field(primary_key=True, sa_type=Text)
    audience: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    counted_at: float = 0.0
    held_since: float | None = None


class AdmissionRow(SQLModel, table=True):
    """The number of deletions that the guard let pass in one minute (unix time // 60)."""

    __tablename__ = "admission"

    sync: str = Field(primary_key=True, sa_type=Text)
    minute: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    count: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class JobRow(SQLModel, table=True):
    """A job over a sync: how far it has come (the last key), of how many, and its pace in people per second.

    started_by: who has begun it, null where nobody noted that; asked: what it is to do, as JSON, null where the kind
    and the sync say all.
    """

    __tablename__ = "job"

    id: str = Field(primary_key=True, sa_type=Text)
    sync: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    position: str = Field(default="", sa_type=Text)
    total: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    done: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    per_second: float = 0.0
    counts: str = Field(default="{}", sa_type=Text)
    created_at: float = 0.0
    updated_at: float = 0.0
    started_by: str | None = Field(default=None, sa_type=Text)
    asked: str | None = Field(default=None, sa_type=Text)


class ActivityPositionRow(SQLModel, table=True):
    """The position in the activity log of a workspace for one type of entry: JSON of `activities.LogPosition`."""

    __tablename__ = "activity_position"

    connection: str = Field(primary_key=True, sa_type=Text)
    type: str = Field(primary_key=True, sa_type=Text)
    position: str = Field(sa_type=Text)


class ManualSegmentRow(SQLModel, table=True):
    """A manual segment that settings name: target is the name or id as JSON, segment the id once it is known.

    reason says why it cannot be sent to, for_human that this does not change by itself. look_at: when to look again, or
    until when somebody is looking; null for never.
    """

    __tablename__ = "manual_segment"

    connection: str = Field(primary_key=True, sa_type=Text)
    target: str = Field(primary_key=True, sa_type=Text)
    segment: int | None = Field(default=None, sa_type=BigInteger)
    reason: str = Field(default="", sa_type=Text)
    for_human: bool = False
    look_at: float | None = None


class CallRow(SQLModel, table=True):
    """One request to Customer.io. request is its body, compressed by gzip, if it is kept; reply as it came."""

    __tablename__ = "call"
    __table_args__ = (Index("call_at", "at"),)

    id: str = Field(primary_key=True, sa_type=Text)
    at: float
    connection: str = Field(sa_type=Text)
    sync: str = Field(sa_type=Text)
    endpoint: str = Field(sa_type=Text)
    items: int
    body_bytes: int
    status: int
    milliseconds: int
    verdict: str = Field(sa_type=Text)
    reason: str = Field(default="", sa_type=Text)
    request: bytes | None = Field(default=None, sa_type=LargeBinary)
    reply: str | None = Field(default=None, sa_type=Text)


class LeaseRow(SQLModel, table=True):
    """The holder of something that only one may do at a time, and the end of the lease unless it is renewed."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True, sa_type=Text)
    holder: str = Field(sa_type=Text)
    until: float


class IntakeQueueRow(SQLModel, table=True):
    """A queue that upstream publishes to, or did: one that the settings name no longer may still hold messages."""

    __tablename__ = "intake_queue"

    name: str = Field(primary_key=True, sa_type=Text)
    backfill: bool


class ClockRow(SQLModel, table=True):
    """The state of the one clock, in a single row: `connector.store.clock` says what the columns mean."""

    __tablename__ = "clock"

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    ahead: float = 0.0
    since: float = 0.0
    seen: float = 0.0


class SourceRow(SQLModel, table=True):
    """A source and its last run: `model.source_state` says what the columns mean."""

    __tablename__ = "source"

    name: str = Field(primary_key=True, sa_type=Text)
    first_seen_at: float
    asked: bool = False
    may_leave: bool = False
    again: bool = False
    started_at: float | None = None
    ended_at: float | None = None
    rows: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    changed: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    left_count: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    unreadable: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    repeated: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    failures: int = 0
    error: str = Field(default="", sa_type=Text)
    cursor: str | None = Field(default=None, sa_type=Text)


class SourceKeyRow(SQLModel, table=True):
    """The last row of a key of a source, as a digest: by it the next run tells what changed, and what is gone."""

    __tablename__ = "source_key"
    __table_args__ = (PrimaryKeyConstraint("key", "source"),)

    key: str = Field(primary_key=True, sa_type=Text)
    source: str = Field(primary_key=True, sa_type=Text)
    digest: int = Field(sa_column=Column(BigInteger, nullable=False))


class BackfillRow(SQLModel, table=True):
    """The origin that a `backfill` job reads: files or URLs, and how. JSON, which may hold the secrets of URLs."""

    __tablename__ = "backfill"

    job: str = Field(primary_key=True, sa_type=Text)
    origin: str = Field(sa_type=Text)
