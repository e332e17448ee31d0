"""In which traces messages are, until what they said is settled."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trace_context",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", "sync", "kind", "slot"),
    )
    op.create_index("trace_context_at", "trace_context", ["at"])


def downgrade() -> None:
    op.drop_table("trace_context")
