"""What runs with the commit of a transaction: all of it or nothing, and nothing of one that failed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Connection, text

from connector.errors import StoreError
from connector.store import tallies
from connector.store.engine import Store
from tests.pgbouncer import PgBouncer
from tests.servers import Postgres, eventually

MANY = 2**62
"""Twice as many are more than a column of PostgreSQL holds, which says so when it runs the statement."""


def counted(store: Store) -> dict[str, int]:
    with store.reading() as tx:
        return {name: int(count) for name, count in tx.execute(text("SELECT name, sum(count) FROM tally GROUP BY 1"))}


def count(store: Store, name: str, number: int = 1) -> None:
    with store.writing() as tx:
        tally(tx, name, number)


def tally(tx: Connection, name: str, number: int = 1) -> None:
    tallies.tally(tx, {"main": {name: number}}, 60.0)


def test_it_is_there_after_the_commit(store: Store) -> None:
    count(store, "confirmed", 3)
    assert counted(store) == {"confirmed": 3}


def _count_and_fail(store: Store) -> None:
    with store.writing() as tx:
        tally(tx, "refused")
        raise ZeroDivisionError


def test_nothing_of_a_transaction_that_failed_runs_with_the_next_one(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        _count_and_fail(store)
    count(store, "confirmed")
    assert counted(store) == {"confirmed": 1}


def _count_too_many(store: Store) -> None:
    with store.writing() as tx:
        tally(tx, "refused")
        tally(tx, "confirmed", MANY)


def test_where_it_fails_nothing_of_the_transaction_is_kept(
    database: str, open_store: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "randbelow", lambda _: 0)  # all counts are added up in one row
    store = open_store(database)
    count(store, "confirmed", MANY)
    with pytest.raises(StoreError, match="out of range"):
        _count_too_many(store)
    assert counted(store) == {"confirmed": MANY}
    count(store, "refused")
    assert counted(store) == {"confirmed": MANY, "refused": 1}


def _lose_the_connection(postgres: Postgres, store: Store) -> None:
    with store.writing() as tx:
        tally(tx, "refused")
        postgres.run(f"SELECT pg_terminate_backend({tx.execute(text('SELECT pg_backend_pid()')).scalar_one()})")
        try:
            tx.execute(text("SELECT 1"))
        finally:  # its place in the pool is free already
            count(store, "confirmed")


def test_whoever_takes_the_place_of_a_lost_connection_is_not_mixed_up_with_it(
    postgres: Postgres, database: str, open_store: Callable[[str], Store]
) -> None:
    store = open_store(database)
    with pytest.raises(StoreError, match="connection"):
        _lose_the_connection(postgres, store)
    assert counted(store) == {"confirmed": 1}


def _end_who_waits(postgres: Postgres, observer: "psycopg.Connection[tuple[int]]") -> None:
    waits = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    [(pid,)] = eventually(lambda: observer.execute(waits).fetchall())
    postgres.run(f"SELECT pg_terminate_backend({pid})")


def test_a_session_that_is_ended_while_it_commits_is_said_so(
    postgres: Postgres, database: str, open_store: Callable[[str], Store], caplog: pytest.LogCaptureFixture
) -> None:
    plain = database.replace("+psycopg", "")
    with (
        PgBouncer(database) as pooler,  # it hands on what PostgreSQL said, and closes the connection afterwards
        psycopg.connect(plain) as locking,
        psycopg.connect(plain, autocommit=True) as observer,
        ThreadPoolExecutor(1) as pool,
    ):
        store = open_store(pooler.url)
        locking.execute("LOCK TABLE tally IN EXCLUSIVE MODE")
        counting = pool.submit(count, store, "refused")
        _end_who_waits(postgres, observer)
        with pytest.raises(StoreError, match="administrator command"):
            counting.result(30)
        locking.rollback()
        count(store, "confirmed")
        assert counted(store) == {"confirmed": 1}
    assert [each.message for each in caplog.records if each.levelname == "ERROR"] == []
