"""Warehouses of tests: a database with one table, which the test fills and a source of the settings reads."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

COLUMNS = "id text, external_id text, plan text, segments text"


class Warehouse:
    """A database that is nothing of ours."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = create_engine(url, poolclass=NullPool)

    def run(self, *statements: str) -> None:
        """Runs statements as they are."""
        with self._engine.begin() as connection:
            for each in statements:
                connection.exec_driver_sql(each)

    def table(self, name: str, columns: str, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """Makes a table anew, with these rows."""
        self.run(f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} ({columns})")
        self.insert(name, rows)

    def insert(self, name: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Adds rows."""
        given = [dict(row) for row in rows]
        if given:
            names = ", ".join(given[0])
            values = ", ".join(f":{each}" for each in given[0])
            with self._engine.begin() as connection:
                connection.execute(text(f"INSERT INTO {name} ({names}) VALUES ({values})"), given)

    def users(self, *numbers: int, plan: str = "gold") -> None:
        """The table `users` with just these."""
        self.table("users", "id text, plan text", [{"id": f"u{number:03}", "plan": plan} for number in numbers])


def source(url: str, **given: Any) -> dict[str, Any]:
    """The table of a source of paying users, with the settings that the test is about."""
    return {
        "url": url,
        "query": "SELECT * FROM users",
        "key": "id",
        "segments": ["Paying"],
        "schedule": 3600,
        **given,
    }
