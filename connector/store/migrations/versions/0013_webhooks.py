"""Reporting webhooks of Customer.io, each once."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("received_at", sa.Float(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", "connection"),
    )
    waiting = sa.text("state = 0")
    columns = ["connection", "received_at"]
    op.create_index("webhook_waiting", "webhook", columns, sqlite_where=waiting, postgresql_where=waiting)
    op.create_index("webhook_received", "webhook", ["received_at"])


def downgrade() -> None:
    op.drop_table("webhook")
