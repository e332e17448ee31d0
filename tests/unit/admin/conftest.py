"""Rehearsals whose tables are copied: to make them by the migrations takes longer than most of these tests."""

import sqlite3
from collections.abc import Iterator

import pytest

from connector.admin.preview import rehearsal
from connector.store.engine import Store
from connector.store.migrate import migrate


@pytest.fixture(scope="session", autouse=True)
def _copied_tables() -> Iterator[None]:
    made = Store("sqlite://")
    migrate(made)
    template = made.engine.raw_connection()

    def copied(store: Store) -> None:
        raw = store.engine.raw_connection()
        given, taken = template.driver_connection, raw.driver_connection
        assert isinstance(given, sqlite3.Connection)
        assert isinstance(taken, sqlite3.Connection)
        given.backup(taken)
        raw.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehearsal, "migrate", copied)
        yield
    template.close()
    made.engine.dispose()
