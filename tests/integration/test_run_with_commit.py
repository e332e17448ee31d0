"""What runs with the commit of a transaction: all of it or nothing, and nothing of one that failed."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from connector.errors import StoreError
from connector.store import tallies
from connector.store.engine import Store

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
