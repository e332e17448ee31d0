"""Processes say that they live, and a connection says since when it has failed."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "process",
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
    )
    op.add_column("connection", sa.Column("failing_since", sa.Float()))


def downgrade() -> None:
    op.drop_column("connection", "failing_since")
    op.drop_table("process")
