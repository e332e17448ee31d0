"""Problems know their cause, jobs who began them and of what, alerts who took them on; approvals wait for a second."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("problem", sa.Column("cause", sa.Text()))
    op.create_index("problem_cause", "problem", ["cause", "last_at", "id"])
    op.create_index("problem_latest", "problem", ["last_at", "id"])
    for table, name in (("job", "started_by"), ("job", "asked"), ("alert", "acknowledged_by")):
        op.add_column(table, sa.Column(name, sa.Text()))
    op.create_table(
        "approval",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("id", "sync", "state")),
        sa.Column("names", sa.Text(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in ("asked_at", "expires_at")),
        sa.Column("settled_by", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("approval_asked", "approval", ["asked_at"])


def downgrade() -> None:
    op.drop_table("approval")
    op.drop_column("alert", "acknowledged_by")
    op.drop_column("job", "asked")
    op.drop_column("job", "started_by")
    for name in ("problem_cause", "problem_latest"):
        op.drop_index(name, "problem")
    op.drop_column("problem", "cause")
