"""The deletion guard's arithmetic."""

import pytest

from connector.planning import deletion_guard
from connector.settings.sync_options import DeletionGuard

TENTH = DeletionGuard(share=0.1, at_least=50)


@pytest.mark.parametrize(
    ("audience", "allowed"), [(0, 50), (100, 50), (500, 50), (509, 50), (510, 51), (1_000_000, 100_000)]
)
def test_a_share_of_the_audience_may_go_and_at_least_so_many(audience: int, allowed: int) -> None:
    assert deletion_guard.allowed(TENTH, audience) == allowed


@pytest.mark.parametrize(
    ("waiting", "admitted", "holds"), [(100, 0, False), (101, 0, True), (1, 100, True), (50, 50, False)]
)
def test_who_waits_and_who_passed_within_the_window_count_together(waiting: int, admitted: int, holds: bool) -> None:
    assert deletion_guard.holds(TENTH, waiting, admitted, audience=1000) is holds


@pytest.mark.parametrize(("waiting", "admitted", "few"), [(50, 0, True), (25, 26, False), (0, 50, True)])
def test_few_are_let_pass_without_counting_the_audience(waiting: int, admitted: int, few: bool) -> None:
    assert deletion_guard.few(TENTH, waiting, admitted) is few


def test_few_never_means_what_would_be_held() -> None:
    for waiting in range(120):
        if deletion_guard.few(TENTH, waiting, 3):
            assert not deletion_guard.holds(TENTH, waiting, 3, audience=0)


@pytest.mark.parametrize(("share", "off"), [(1.0, True), (0.99, False)])
def test_the_whole_share_switches_it_off(share: float, off: bool) -> None:
    assert deletion_guard.off(DeletionGuard(share=share)) is off


def test_the_problem_says_what_to_do() -> None:
    told = deletion_guard.problem("main", TENTH)
    assert (told.kind, told.subject) == ("held", "main")
    assert "`connector approve main`" in told.reason
    assert "within 60 minutes" in told.reason
