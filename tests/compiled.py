"""Statements that were compiled for one store of a test are there for the stores of the next.

SQLAlchemy keeps them by engine and dialect, and each test opens a store of its own: compiling took a tenth of the time
of the integration tests.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from connector.store import postgres, sqlite

_FIRST: dict[str, Engine] = {}
"""The engine that connected first, of SQLite and of PostgreSQL: its dialect knows what the server can do."""


def are_shared() -> None:
    """From here on all stores of this process share what was compiled."""
    sqlite.engine = _sharing(sqlite.engine)
    postgres.engine = _sharing(postgres.engine)


def _sharing(opened: Callable[..., Engine]) -> Callable[..., Engine]:
    def engine(*args: Any) -> Engine:
        made = opened(*args)
        if (first := _FIRST.get(made.name)) is not None:
            made.dialect, made._compiled_cache = first.dialect, first._compiled_cache
            return made

        @event.listens_for(made, "connect")
        def _note(*_: Any) -> None:
            _FIRST.setdefault(made.name, made)

        return made

    return engine
