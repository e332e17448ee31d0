"""The tables of exports: how far each has come, and what only they read. Times are unix seconds."""

from sqlalchemy import BigInteger, Column, Index, Integer, Text
from sqlmodel import Field, SQLModel

_COUNTED = BigInteger().with_variant(Integer, "sqlite")
"""The type of a column that the database counts up: SQLite does so for its own kind of number only."""


class ExportRow(SQLModel, table=True):
    """An export and its last run: `model.export_state` says what the columns mean."""

    __tablename__ = "export"

    name: str = Field(primary_key=True, sa_type=Text)
    first_seen_at: float
    asked: bool = False
    position: str = Field(default="", sa_type=Text)
    started_at: float | None = None
    ended_at: float | None = None
    rows: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    total: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    failures: int = 0
    failing_since: float | None = None
    error: str = Field(default="", sa_type=Text)


class SourceRunRow(SQLModel, table=True):
    """A run of a source that came to its end; the source's own row knows only of the last one."""

    __tablename__ = "source_run"
    __table_args__ = (Index("source_run_ended", "ended_at"),)

    id: int | None = Field(default=None, sa_column=Column(_COUNTED, primary_key=True))
    source: str = Field(sa_type=Text)
    started_at: float
    ended_at: float
    rows: int = Field(sa_type=BigInteger)
    changed: int = Field(sa_type=BigInteger)
    left_count: int = Field(sa_type=BigInteger)
    unreadable: int = Field(sa_type=BigInteger)
    repeated: int = Field(sa_type=BigInteger)
    error: str = Field(sa_type=Text)
