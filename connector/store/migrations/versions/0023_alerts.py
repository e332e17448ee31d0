"""Alerts, what is told of them by which channel, and what is counted by the hour."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
_WAITING = sa.text("told_at IS NULL")


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Float(), nullable=nullable)


def upgrade() -> None:
    described = ("kind", "subject", "severity", "sentence")
    op.create_table(
        "alert",
        _text("key"),
        *map(_text, described),
        _number("episode"),
        _time("opened_at"),
        *(_time(name, nullable=True) for name in ("recovered_at", "clear_since", "acknowledged_at")),
        _number("told"),
        _time("told_at"),
        _number("flaps"),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "alert_notice",
        _text("channel"),
        _text("alert"),
        _number("episode"),
        _number("number"),
        _text("change"),
        *map(_text, described),
        *map(_time, ("at", "opened_at", "due_at")),
        _text("message", nullable=True),
        _time("told_at", nullable=True),
        sa.PrimaryKeyConstraint("channel", "alert", "episode", "number"),
    )
    op.create_index(
        "alert_notice_waiting", "alert_notice", ["channel", "at"], sqlite_where=_WAITING, postgresql_where=_WAITING
    )
    _channels_and_hours()


def _channels_and_hours() -> None:
    op.create_table(
        "alert_channel",
        _text("name"),
        _number("failures"),
        _text("reason"),
        _time("failing_since", nullable=True),
        _time("next_at"),
        _time("told_at", nullable=True),
        _text("holder", nullable=True),
        _time("held_until"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "hourly",
        _text("subject"),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "hour"),
    )


def downgrade() -> None:
    for table in ("hourly", "alert_channel", "alert_notice", "alert"):
        op.drop_table(table)
