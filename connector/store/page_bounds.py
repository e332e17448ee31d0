"""Bounds what pages do in SQLite, as PostgreSQL bounds it by itself: no statement runs long, and nothing is written."""

from math import inf
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, event

INTERRUPTED = "interrupted"
"""How SQLite says that a statement was stopped."""
_ENDS = "statement ends"
_STEPS = 100_000
"""Of SQLite's machine, some milliseconds: to look more often would have a busy process wait for each look."""


def bound(made: Engine, seconds: float) -> None:
    """Has SQLite stop each statement after that long, from its beginning to its last row, and refuse to write."""

    @event.listens_for(made, "connect")
    def _configure(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA query_only=ON")
        connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
        connection.set_progress_handler(lambda: monotonic() > record.info.get(_ENDS, inf), _STEPS)

    @event.listens_for(made, "before_cursor_execute")
    def _begin(tx: Connection, *_: object) -> None:
        tx.info[_ENDS] = monotonic() + seconds
