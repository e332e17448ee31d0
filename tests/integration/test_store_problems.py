"""Problems as rows, on SQLite and on PostgreSQL."""

from sqlalchemy import text

from connector.admin.problem_list import grouped, latest, note_causes
from connector.model.problem import Problem
from connector.model.problem_filter import ProblemFilter
from connector.store import problem_bounds, problems
from connector.store.engine import Store


def test_a_nul_that_customerio_quotes_is_kept_as_what_can_be_kept(store: Store) -> None:
    with store.writing() as tx:
        problems.add(tx, "main", [Problem("refused", "u1", "no such value: a\0b", {"value": "a\0b"})], 1.0)
        [kept] = problems.kept(tx)

    assert kept.problem == Problem("refused", "u1", "no such value: a\ufffdb", {"value": "a\0b"})


def failing(store: Store, now: float, *found: tuple[str, str], sync: str = "main") -> list[str]:
    """Adds problems of people who fail alone, as (whom, why). Returns their ids."""
    with store.writing() as tx:
        return problems.add(
            tx, sync, [Problem("failing", subject, reason, {"of": now}) for subject, reason in found], now
        )


def test_who_fails_alone_is_one_problem_with_the_last_reason(store: Store) -> None:
    [id] = failing(store, 1.0, ("u1", "it answers 500"))
    for now, reason in ((2.0, "no answer"), (3.0, "it answers 500"), (4.0, "no answer")):
        assert failing(store, now, ("u1", reason)) == [id], "a link to it leads there whatever the reason is"
    failing(store, 5.0, ("u2", "it answers 500"), ("u2", "no answer"))
    failing(store, 6.0, ("u1", "it answers 500"), sync="other")
    with store.reading() as tx:
        other, second, first = problems.kept(tx)
    assert (first.problem, first.count) == (Problem("failing", "u1", "no answer", {"of": 4.0}), 4)
    assert (first.first_at, first.last_at) == (1.0, 4.0)
    assert (second.problem.subject, second.problem.reason, second.count) == ("u2", "no answer", 2)
    assert (other.sync, other.problem.reason) == ("other", "it answers 500")
    by_cause = {each.cause: each.problems for each in grouped(store)}
    assert by_cause[problem_bounds.cause_id("failing", "no answer")] == 2


def test_of_who_fails_alone_what_an_older_version_kept_by_each_reason_ends(store: Store) -> None:
    failing(store, 1.0, ("u1", "it answers 500"), ("u2", "it answers 500"))
    with store.writing() as tx:
        tx.execute(text("UPDATE problem SET id = 'of old ' || subject"))
    failing(store, 2.0, ("u1", "no answer"))
    with store.reading() as tx:
        found = [(each.problem.subject, each.problem.reason) for each in problems.kept(tx)]
    assert found == [("u1", "no answer"), ("u2", "it answers 500")]


def test_problems_of_one_cause_are_one_group_with_one_of_them(store: Store) -> None:
    with store.writing() as tx:
        for number, at in ((1, 1.0), (2, 3.0), (1, 2.0)):
            problems.add(tx, "main", [Problem("refused", f"u{number}", f"'u{number}' has 30{number} attributes")], at)
        problems.add(tx, "main", [Problem("attribute", "u1", "'plan' is too long")], 9.0)

    first, second = grouped(store)
    assert (first.kind, first.problems, first.times, first.first_at, first.last_at) == ("refused", 2, 3, 1.0, 3.0)
    assert first.reason in ("'u1' has 301 attributes", "'u2' has 302 attributes")
    assert (first.people, first.cause) == (2, problem_bounds.cause_id("refused", "'u9' has 7 attributes"))
    assert (second.kind, second.problems, second.times) == ("attribute", 1, 1)
    assert [each.kind for each in grouped(store, ProblemFilter(kind="attribute"))] == ["attribute"]


def test_the_hours_of_a_group_say_when_its_problems_came_last(store: Store) -> None:
    with store.writing() as tx:
        now = store.now(tx)
        for number, ago in enumerate((10.0, 20.0, 3700.0, 200_000.0)):
            problems.add(tx, "main", [Problem("refused", f"u{number}", "400")], now - ago)
    (group,) = grouped(store)
    assert list(group.hours) == [0] * 22 + [1, 2]


def test_problems_of_an_older_version_get_their_cause(store: Store) -> None:
    with store.writing() as tx:
        problems.add(tx, "main", [Problem("refused", f"u{number}", "400") for number in range(3)], 1.0)
        tx.execute(text("UPDATE problem SET cause = NULL"))
    assert [each.cause for each in grouped(store)] == [""]
    note_causes(store, at_once=2)
    assert [(each.cause, each.problems) for each in grouped(store)] == [(problem_bounds.cause_id("refused", "400"), 3)]


def test_problems_are_listed_page_by_page_the_latest_first(store: Store) -> None:
    with store.writing() as tx:
        for number in range(7):
            problems.add(tx, "main", [Problem("refused", f"u{number}", "400")], float(number // 2))
    seen, after = [], None
    while found := latest(store, ProblemFilter(kind="refused"), after, 2):
        seen += [each.problem.subject for each in found]
        after = (found[-1].last_at, found[-1].id)
    assert (seen[0], sorted(seen)) == ("u6", [f"u{number}" for number in range(7)])


def test_one_trouble_in_other_words_has_come_when_its_first_words_did(store: Store) -> None:
    said = [(100.0, "no answer"), (200.0, "it answers 500"), (300.0, "no answer"), (400.0, "no answer")]
    for now, reason in said:
        with store.writing() as tx:
            problems.instead(tx, Problem("source", "people", reason), now)
            problems.instead(tx, Problem("source", "orders", "no answer"), now + 50)
    with store.reading() as tx:
        kept = sorted((each.problem.subject, each.problem.reason, each.first_at) for each in problems.kept(tx))
    assert kept == [("orders", "no answer", 150.0), ("people", "no answer", 100.0)]
    with store.writing() as tx:
        problems.instead(tx, Problem("source", "people", ""), 500.0)
        problems.instead(tx, Problem("source", "people", "no answer"), 600.0)
        assert {each.problem.subject: each.first_at for each in problems.kept(tx)} == {"orders": 150.0, "people": 600.0}
