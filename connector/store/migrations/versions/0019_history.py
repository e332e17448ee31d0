"""What happened to each person, and in which request they were."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("what", sa.SmallInteger(), nullable=False),
        sa.Column("came_to", sa.SmallInteger(), nullable=True),
        sa.Column("detail", sa.SmallInteger(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("events", sa.Integer(), nullable=True),
        sa.Column("item", sa.Integer(), nullable=True),
        sa.Column("call", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("history_person", "history", ["key", "sync"])
    op.create_index("history_at", "history", ["at"], postgresql_using="brin")


def downgrade() -> None:
    op.drop_table("history")
