"""Lanes, the deletion guard, jobs, the log of calls."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_PENDING = sa.text("state = 0")
_DUE = sa.text("due_at IS NOT NULL")
_LEASED = sa.text("lease IS NOT NULL")
_HELD = sa.text("lane = 4")


def upgrade() -> None:
    op.add_column("entity", sa.Column("lane", sa.Integer(), nullable=False, server_default="0"))
    _put_the_key_first()
    op.drop_index("entity_leased", "entity")
    op.drop_index("entity_due", "entity")
    op.create_index("entity_due", "entity", ["sync", "lane", "due_at"], sqlite_where=_DUE, postgresql_where=_DUE)
    op.create_index("entity_held", "entity", ["sync", "key"], sqlite_where=_HELD, postgresql_where=_HELD)
    op.drop_index("identity_holder", "identity")
    op.create_index("event_accepted", "event", ["accepted_at"], postgresql_using="brin")
    _tally_in_slots()
    _create_guard()
    _create_jobs_and_calls()


def _put_the_key_first() -> None:
    """PostgreSQL without statistics took (sync, kind) alone to be enough, and read the whole table for each batch."""
    op.drop_index("event_pending", "event")
    op.create_index("event_pending", "event", ["key", "sync"], sqlite_where=_PENDING, postgresql_where=_PENDING)
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("entity_pkey", "entity")
        op.create_primary_key("entity_pkey", "entity", ["key", "sync", "kind"])
        op.drop_constraint("identity_pkey", "identity")
        op.create_primary_key("identity_pkey", "identity", ["identifier", "sync"])
        op.execute("ALTER TABLE entity SET (fillfactor = 85)")


def _tally_in_slots() -> None:
    """A new table, since SQLite cannot change a primary key."""
    op.create_table(
        "tally_in_slots",
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sync", "name", "slot"),
    )
    op.execute("INSERT INTO tally_in_slots (sync, name, count) SELECT sync, name, count FROM tally")
    op.drop_table("tally")
    op.rename_table("tally_in_slots", "tally")


def _tally_in_rows() -> None:
    op.create_table(
        "tally_in_rows",
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sync", "name"),
    )
    op.execute(
        "INSERT INTO tally_in_rows (sync, name, count) SELECT sync, name, sum(count) FROM tally GROUP BY sync, name"
    )
    op.drop_table("tally")
    op.rename_table("tally_in_rows", "tally")


def _create_guard() -> None:
    op.create_table(
        "guard",
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("audience", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.Float(), nullable=False),
        sa.Column("held_since", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("sync"),
    )
    op.create_table(
        "admission",
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sync", "minute"),
    )


def _create_jobs_and_calls() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("per_second", sa.Float(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "call",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("body_bytes", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("call_at", "call", ["at"])


def downgrade() -> None:
    for table in ("call", "job", "admission", "guard"):
        op.drop_table(table)
    _tally_in_rows()
    op.drop_index("event_accepted", "event")
    op.create_index("identity_holder", "identity", ["sync", "key"])
    op.drop_index("entity_held", "entity")
    op.drop_index("entity_due", "entity")
    op.drop_index("event_pending", "event")
    op.create_index("event_pending", "event", ["sync", "key"], sqlite_where=_PENDING, postgresql_where=_PENDING)
    with op.batch_alter_table("entity") as entity:
        entity.drop_column("lane")
    op.create_index("entity_due", "entity", ["sync", "due_at"], sqlite_where=_DUE, postgresql_where=_DUE)
    op.create_index("entity_leased", "entity", ["sync", "lease"], sqlite_where=_LEASED, postgresql_where=_LEASED)
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("entity_pkey", "entity")
        op.create_primary_key("entity_pkey", "entity", ["sync", "kind", "key"])
        op.drop_constraint("identity_pkey", "identity")
        op.create_primary_key("identity_pkey", "identity", ["sync", "identifier"])
        op.execute("ALTER TABLE entity RESET (fillfactor)")
