"""Whom a target of [out] refuses for good, so that nobody behind them waits for ever."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("out_target", sa.Column("alone_up_to", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("out_target", sa.Column("refusals", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("out_target", "refusals")
    op.drop_column("out_target", "alone_up_to")
