"""Problems."""

from typing import get_args

import pytest

from connector.model import problem
from connector.model.problem import Problem


def test_a_problem_may_have_nothing_to_replay() -> None:
    assert Problem("attribute", "u-1", "too large").payload is None


def test_equal_problems_are_one() -> None:
    assert Problem("event", "u-1", "no name") == Problem("event", "u-1", "no name", None)


@pytest.mark.parametrize("kind", ["unreadable", "attribute", "identifier", "conflict", "event", "refused"])
def test_kinds_are_words_that_people_filter_by(kind: str) -> None:
    assert kind in get_args(problem.ProblemKind)
