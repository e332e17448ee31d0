"""Problems of the last hour are found by an index: a flood of them is kept as samples and a count."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("problem_recent", "problem", ["sync", "kind", "last_at"])


def downgrade() -> None:
    op.drop_index("problem_recent", "problem")
