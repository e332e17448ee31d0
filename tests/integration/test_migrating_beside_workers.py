"""`connector migrate` beside workers that go on: it waits for moments in which nobody works with the tables."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic import command
from sqlalchemy import text

from connector.errors import StoreError
from connector.store import migrate as migrating
from connector.store.engine import Store
from connector.store.migrate import alembic, migrate

OLD = "0006"


@pytest.fixture
def old_store(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store on PostgreSQL with tables of an earlier version, whose migration is tried again soon."""
    monkeypatch.setattr(migrating, "_LOCK_SECONDS", 1)
    monkeypatch.setattr(migrating, "_PAUSE_SECONDS", 0.01)
    store = Store(empty_database)
    with store.migrating() as connection:
        config = alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, OLD)
    yield store
    store.close()


@contextmanager
def at_work(store: Store) -> Iterator[threading.Event]:
    """A worker of that version in the middle of a transaction, until the event is set."""
    begun, end = threading.Event(), threading.Event()

    def work() -> None:
        with store.engine.connect() as connection:
            connection.execution_options(timeless=True)
            with connection.begin():
                connection.execute(text("UPDATE entity SET doubt = 0"))
                begun.set()
                end.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait(20)
    try:
        yield end
    finally:
        end.set()
        thread.join()


def test_it_waits_for_a_worker_in_the_middle_of_its_work(old_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with at_work(old_store) as end:
        monkeypatch.setattr(migrating, "sleep", lambda _: end.set())
        assert migrate(old_store)
        assert end.is_set()
    assert old_store.is_migrated()


def test_where_the_tables_are_never_free_it_says_so_and_changes_nothing(
    old_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "_TRIES", 2)
    with at_work(old_store), pytest.raises(StoreError, match="Workers keep the tables busy: run it again, or stop"):
        migrate(old_store)
    assert old_store.version() == OLD
