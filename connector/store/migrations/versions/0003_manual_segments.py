"""Manual segments: those that settings name, and who is in them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("entity", sa.Column("memberships", sa.Text(), nullable=True))
    op.create_table(
        "manual_segment",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("for_human", sa.Boolean(), nullable=False),
        sa.Column("look_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "target"),
    )


def downgrade() -> None:
    op.drop_table("manual_segment")
    with op.batch_alter_table("entity") as entity:
        entity.drop_column("memberships")
