"""Problems as rows, on SQLite and on PostgreSQL."""

from connector.admin.problems import grouped
from connector.model.problem import Problem
from connector.store import problems
from connector.store.engine import Store


def test_a_nul_that_customerio_quotes_is_kept_as_what_can_be_kept(store: Store) -> None:
    with store.writing() as tx:
        problems.add(tx, "main", [Problem("refused", "u1", "no such value: a\0b", {"value": "a\0b"})], 1.0)
        [kept] = problems.kept(tx)

    assert kept.problem == Problem("refused", "u1", "no such value: a\ufffdb", {"value": "a\0b"})


def test_problems_of_one_cause_are_one_group_with_the_latest_of_them(store: Store) -> None:
    with store.writing() as tx:
        for number, at in ((1, 1.0), (2, 3.0), (1, 2.0)):
            problems.add(tx, "main", [Problem("refused", f"u{number}", f"'u{number}' has 30{number} attributes")], at)
        problems.add(tx, "main", [Problem("attribute", "u1", "'plan' is too long")], 9.0)

    first, second = grouped(store)
    assert (first.kind, first.reason, first.problems, first.times, first.last_at) == (
        "refused", "'u2' has 302 attributes", 2, 3, 3.0,
    )  # fmt: skip
    assert (second.kind, second.problems, second.times) == ("attribute", 1, 1)
    assert [each.kind for each in grouped(store, "attribute")] == ["attribute"]
