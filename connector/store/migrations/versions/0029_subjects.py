"""An index leads to the problems of one person, however many others have some; those of block ranges keep up.

PostgreSQL sums a range of blocks up with the next VACUUM, which may be a fifth of the table later, and looks through
all that is not summed up: unless it is told to do so as soon as a range is full.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


_OF_BLOCK_RANGES = ("history_at", "event_accepted")


def upgrade() -> None:
    op.create_index("problem_subject", "problem", [sa.text("substr(subject, 1, 100)")])
    if op.get_context().dialect.name == "postgresql":
        for each in _OF_BLOCK_RANGES:
            op.execute(f"ALTER INDEX {each} SET (autosummarize = on)")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        for each in _OF_BLOCK_RANGES:
            op.execute(f"ALTER INDEX {each} RESET (autosummarize)")
    op.drop_index("problem_subject", "problem")
