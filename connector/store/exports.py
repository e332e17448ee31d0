"""Keeps how far each export has come, and the runs of sources, which only exports read."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from connector.model.export_state import ExportState
from connector.model.source_state import SourceState
from connector.store.bulk_sql import insert as upsert
from connector.store.export_tables import ExportRow, SourceRunRow

TABLE: Table = ExportRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
SOURCE_RUN: Table = SourceRunRow.__table__  # type: ignore[attr-defined]  # as above
_COLUMNS = tuple(TABLE.c[name] for name in ExportState.__slots__)


def load(tx: Connection) -> dict[str, ExportState]:
    """Returns every export that has ever been seen, by name."""
    return {row.name: ExportState(*row) for row in tx.execute(select(*_COLUMNS).order_by(TABLE.c.name))}


def see(tx: Connection, names: Collection[str], now: float) -> None:
    """Notes that these exports exist, first seen at `now` (unix seconds) unless they are known."""
    for name in names:
        row = _columns(ExportState(name, now))
        tx.execute(upsert(tx.dialect.name, TABLE).values(row).on_conflict_do_nothing())


def save(tx: Connection, state: ExportState) -> None:
    """Writes the state of an export. A run that an operator asked for meanwhile stays asked for."""
    moving = _columns(state)
    moving.pop("asked")
    tx.execute(update(TABLE).where(TABLE.c.name == state.name).values(moving))


def ask(tx: Connection, name: str, *, wanted: bool = True) -> None:
    """Notes that a human wants a run of the export or, with wanted=False, that they have had it."""
    tx.execute(update(TABLE).where(TABLE.c.name == name).values(asked=wanted))


def note_source_run(tx: Connection, state: SourceState) -> None:
    """Notes a run of a source that has come to its end."""
    counts = state.counts
    row = {
        "source": state.name,
        "started_at": state.started_at,
        "ended_at": state.ended_at,
        "rows": counts.rows,
        "changed": counts.changed,
        "left_count": counts.left,
        "unreadable": counts.unreadable,
        "repeated": counts.repeated,
        "error": state.error,
    }
    tx.execute(insert(SOURCE_RUN).values(row))


def _columns(state: ExportState) -> dict[str, Any]:
    return {name: getattr(state, name) for name in ExportState.__slots__}
