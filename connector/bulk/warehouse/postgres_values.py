"""PostgreSQL's times that Python has nothing for cost their own cell, and not the run.

The driver raises for infinity, for years before our era and after 9999, while it fetches: all rows of that part would
be lost. An interval it counts with months of thirty days, which would be a guess.
"""

from typing import Any

from psycopg import Connection
from psycopg.adapt import Loader
from psycopg.types import datetime as times

from connector.bulk.tabular.parquet import UNREADABLE


def register(connection: Connection[Any]) -> None:
    """Has a connection of the driver read such values as `UNREADABLE`."""
    for name, loader in _LOADERS.items():
        connection.adapters.register_loader(name, loader)


def _forgiving(strict: type[Loader]) -> type[Loader]:
    class Forgiving(strict):  # type: ignore[valid-type, misc]  # which one is known only here
        def load(self, data: Any) -> Any:
            try:
                return super().load(data)
            except Exception:  # noqa: BLE001 - whatever it is, the value cannot be read
                return UNREADABLE

    return Forgiving


class _Interval(Loader):
    def load(self, data: Any) -> Any:  # noqa: ARG002 - whatever it is
        return UNREADABLE


_LOADERS: dict[str, type[Loader]] = {
    "date": _forgiving(times.DateLoader),
    "time": _forgiving(times.TimeLoader),
    "timetz": _forgiving(times.TimetzLoader),
    "timestamp": _forgiving(times.TimestampLoader),
    "timestamptz": _forgiving(times.TimestamptzLoader),
    "interval": _Interval,
}
