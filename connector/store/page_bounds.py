"""Bounds what pages do in SQLite, as PostgreSQL bounds it by itself: no statement runs long, and nothing is written."""

from math import inf
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, event

INTERRUPTED = "interrupted"
"""The word by which SQLite says that a statement was stopped."""
_ENDS = "statement ends"
_STEPS = 100_000
"""The steps of SQLite's machine between two looks at the time, some milliseconds: more looks would cost too much."""


def bound(made: Engine, seconds: float) -> None:
    """Makes SQLite stop each statement so many seconds after its beginning, until its last row, and refuse to write."""

    @event.listens_for(made, "connect")
    def _configure(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA query_only=ON")
        connection.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
        connection.set_progress_handler(lambda: monotonic() > record.info.get(_ENDS, inf), _STEPS)

    @event.listens_for(made, "before_cursor_execute")
    def _begin(tx: Connection, *_: object) -> None:
        tx.info[_ENDS] = monotonic() + seconds
