"""The tables. Times are unix seconds; JSON stands in text columns, encoded by `encoding`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

metadata = MetaData()

PENDING, SENT, REFUSED, DROPPED = range(4)
"""States of an event: owed, confirmed, refused for good, never to be sent."""

LIVE, ADMITTED, EXIT, BACKFILL, HELD = range(5)
"""Lanes of an entity, in the order in which they are claimed: what just changed; deletions that the guard let pass;
deletions that it has yet to see; what a bulk load or a resync brought. Held deletions are not claimed.
"""


ENTITY_TABLE = Table(
    "entity",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("facts", Text, nullable=False),
    Column("delivered", Text),
    Column("tried", Text),
    Column("memberships", Text),
    Column("removals", Text),
    Column("doubt", Integer, nullable=False, default=0),
    Column("revision", BigInteger, nullable=False, default=0),
    Column("entered", Boolean, nullable=False, default=False),
    Column("standing", Text, nullable=False, default=""),
    Column("waits_for", Text),
    Column("due_at", Float),
    Column("lane", Integer, nullable=False, default=LIVE, server_default="0"),
    Column("lease", Text),
    Column("leased_until", Float),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("updated_at", Float, nullable=False, default=0.0),
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
"""A person (or another entity) of one sync.

facts, delivered, tried: JSON. due_at is null if nothing is owed, lane says in which line it waits. lease names
the claim that has this row until leased_until. memberships: JSON, what was delivered of manual segments; removals:
JSON, what Customer.io has confirmed to have taken away; null for nothing. waits_for: the identifier that another
user holds, if there is such a conflict. attempts: how often in a row a request failed at this one alone, which
then is sent by itself.
"""


RELATION_TABLE = Table(
    "relation",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("object", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    PrimaryKeyConstraint("key", "sync", "object"),
    Index("relation_object", "object", "sync"),
)
"""That a person (key) is to be related to an object: by it they are found when the object comes or goes.

A row too many does no harm, one too few would: delivery adds what is missing before it sends for the person.
"""


IDENTITY_TABLE = Table(
    "identity",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("identifier", Text, primary_key=True),
    Column("key", Text, nullable=False),
    PrimaryKeyConstraint("identifier", "sync"),
)
"""Which user of a sync holds an identifier in Customer.io: two users under one would overwrite each other."""


EVENT_TABLE = Table(
    "event",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("body", Text),
    Column("occurred_at", BigInteger),
    Column("state", Integer, nullable=False, default=PENDING),
    Column("accepted_at", Float, nullable=False, default=0.0),
    Index("event_pending", "key", "sync", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
    Index("event_accepted", "accepted_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    Index("event_known_by", text("substr(id, 11)"), "sync"),
)
"""An event that was accepted, by its ULID. The body is dropped once sent; the row stays, to know a repeat by."""


INDEXED_CHARACTERS = 100
"""So much of the subject of a problem is in its index: upstream may make a key of any length."""


PROBLEM_TABLE = Table(
    "problem",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sync", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payload", Text),
    Column("form", Text),
    Column("count", BigInteger, nullable=False, default=1),
    Column("first_at", Float, nullable=False, default=0.0),
    Column("last_at", Float, nullable=False, default=0.0),
    Column("cause", Text),
    Index("problem_recent", "sync", "kind", "last_at"),
    Index("problem_cause", "cause", "last_at", "id"),
    Index("problem_latest", "last_at", "id"),
    Index("problem_subject", text(f"substr(subject, 1, {INDEXED_CHARACTERS})")),
)
"""What needs a human: the same problem again is counted, not repeated.

cause: what it has in common with others (`problem_bounds.cause_id`), null where an older version has written it.
"""


TALLY_TABLE = Table(
    "tally",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("slot", BigInteger, primary_key=True, server_default="0"),
    Column("count", BigInteger, nullable=False),
)
"""How often something came out so: counted in the transaction that made it so, in one of some slots.

sync: the scope that it is counted for, which is a sync or what `tallies` names otherwise.
"""


MINUTE_TABLE = Table(
    "minute",
    metadata,
    Column("minute", BigInteger, nullable=False),
    Column("scope", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    # The minute first: what is written and read is of a few minutes, and of all scopes.
    PrimaryKeyConstraint("minute", "scope", "name", "slot"),
)
"""How often something came out so within one minute (unix time // 60), in one of some slots, as `TALLY_TABLE`."""


TALLY_HOUR_TABLE = Table(
    "tally_hour",
    metadata,
    Column("scope", Text, nullable=False),
    Column("hour", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("scope", "hour", "name"),
    Index("tally_hour_at", "hour"),
)
"""How often something came out so within one hour (unix time // 3600): minutes, added up once it is over."""


CONNECTION_TABLE = Table(
    "connection",
    metadata,
    Column("name", Text, primary_key=True),
    Column("paused_until", Float),
    Column("reason", Text, nullable=False, default=""),
    Column("failures", Integer, nullable=False, default=0),
    Column("credentials", Text, nullable=False, default=""),
    Column("next_at", Float, nullable=False, default=0.0),
    Column("failing_since", Float),
)
"""One workspace: whether it is paused, until when and why; and when its next request may go.

paused_until is infinity where only a human can help; credentials is a digest of those that were refused.
failing_since: when the first of the failures came that no success has followed yet.
"""


PROCESS_TABLE = Table(
    "process",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)
"""A process that says every few seconds that it lives: its role (worker, beat, web, run, sweep), and where it is.

A process that ends in order takes its row away, so a row that has grown old is of one that died.
"""


GUARD_TABLE = Table(
    "guard",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("audience", BigInteger, nullable=False),
    Column("counted_at", Float, nullable=False, default=0.0),
    Column("held_since", Float),
)
"""What the deletion guard knows of a sync: its audience, counted at counted_at; since when it holds deletions."""


ADMISSION_TABLE = Table(
    "admission",
    metadata,
    Column("sync", Text, primary_key=True),
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
)
"""How many deletions the guard let pass in one minute (unix time // 60)."""


JOB_TABLE = Table(
    "job",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sync", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("position", Text, nullable=False, default=""),
    Column("total", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("per_second", Float, nullable=False, default=0.0),
    Column("counts", Text, nullable=False, default="{}"),
    Column("created_at", Float, nullable=False, default=0.0),
    Column("updated_at", Float, nullable=False, default=0.0),
    Column("started_by", Text),
    Column("asked", Text),
)
"""A long piece of work over a sync: how far it has come (the last key), of how many, how fast it may go.

started_by: who has begun it, null where nobody noted that; asked: what it is to do, as JSON, null where the kind
and the sync say all.
"""


ACTIVITY_POSITION_TABLE = Table(
    "activity_position",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("type", Text, primary_key=True),
    Column("position", Text, nullable=False),
)
"""How far the activity log of a workspace was read, for one type of entry: JSON of `activities.LogPosition`."""


MANUAL_SEGMENT_TABLE = Table(
    "manual_segment",
    metadata,
    Column("connection", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("segment", BigInteger),
    Column("reason", Text, nullable=False, default=""),
    Column("for_human", Boolean, nullable=False, default=False),
    Column("look_at", Float),
)
"""A manual segment that settings name: target is the name or id as JSON, segment the id once it is known.

reason says why it cannot be sent to, for_human that this does not change by itself. look_at: when to look again, or
until when somebody is looking; null for never.
"""


CALL_TABLE = Table(
    "call",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Float, nullable=False),
    Column("connection", Text, nullable=False),
    Column("sync", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("items", Integer, nullable=False),
    Column("body_bytes", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("request", LargeBinary),
    Column("reply", Text),
    Index("call_at", "at"),
)
"""One request to Customer.io. request is its body, compressed by gzip, if it is kept; reply as it came."""


LEASE_TABLE = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Float, nullable=False),
)
"""The holder of something that only one may do at a time, and the end of the lease unless it is renewed."""


CLOCK_TABLE = Table(
    "clock",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("ahead", Float, nullable=False, default=0.0),
    Column("since", Float, nullable=False, default=0.0),
    Column("seen", Float, nullable=False, default=0.0),
)
"""What is known of the one clock, in a single row: `connector.store.clock` says what the columns mean."""


SOURCE_TABLE = Table(
    "source",
    metadata,
    Column("name", Text, primary_key=True),
    Column("first_seen_at", Float, nullable=False),
    Column("asked", Boolean, nullable=False, default=False),
    Column("may_leave", Boolean, nullable=False, default=False),
    Column("again", Boolean, nullable=False, default=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("rows", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("left_count", BigInteger, nullable=False),
    Column("unreadable", BigInteger, nullable=False),
    Column("repeated", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("cursor", Text),
)
"""A source and its last run (`connector.source_state` says what the columns mean)."""


SOURCE_KEY_TABLE = Table(
    "source_key",
    metadata,
    Column("key", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("digest", BigInteger, nullable=False),
    PrimaryKeyConstraint("key", "source"),
)
"""The last row of a key of a source, as a digest: by it the next run tells what changed, and what is gone."""


BACKFILL_TABLE = Table(
    "backfill",
    metadata,
    Column("job", Text, primary_key=True),
    Column("origin", Text, nullable=False),
)
"""What a job of the kind `backfill` reads: files or URLs, and how. JSON, which may hold the secrets of URLs."""
