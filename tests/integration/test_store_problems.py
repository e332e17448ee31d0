"""Problems as rows, on SQLite and on PostgreSQL."""

from connector.model.problem import Problem
from connector.store import problems
from connector.store.opening import Store


def test_a_nul_that_customerio_quotes_is_kept_as_what_can_be_kept(store: Store) -> None:
    with store.writing() as connection:
        problems.add(connection, "main", [Problem("refused", "u1", "no such value: a\0b", {"value": "a\0b"})], 1.0)
        [kept] = problems.kept(connection)

    assert kept.problem == Problem("refused", "u1", "no such value: a\ufffdb", {"value": "a\0b"})
