"""Reads PostgreSQL's times that Python cannot hold as `UNREADABLE`, so that they cost their own cell, and not the run.

While it fetches, the driver raises for infinity and for years before our era or after 9999: all rows of that part would
be lost. It would count the months of an interval as thirty days, which is a guess, so no interval is read.
"""

from typing import Any

from psycopg import Connection
from psycopg.adapt import Loader
from psycopg.types import datetime as times

from connector.bulk.tabular.parquet import UNREADABLE


def register(connection: Connection[Any]) -> None:
    """Makes a connection of the driver read such times, and all intervals, as `UNREADABLE`."""
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
