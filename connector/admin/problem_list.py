"""Lists of problems for an operator: grouped by their cause, page by page, and the others of the same user."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.model.problem_filter import ANYTHING, ProblemFilter
from connector.store import problem_groups, problems
from connector.store.engine import Store
from connector.store.problem_bounds import cause_id
from connector.store.problem_groups import GroupRow
from connector.store.problems import OF_USERS, Kept

LOOKED_AT, LOOKED_AT_BY_PAGES = 100_000, 10_000
"""The number of latest problems that are grouped by their cause: for a command, and for a page, which must be quick."""
MOST_GROUPS = 200
HOURS = 24
_OTHERS = 20


@dataclass(frozen=True, slots=True)
class ProblemGroup:
    """Problems of one cause. Times are unix seconds.

    cause: its id, "" where an older version has written them; reason: that of one of them; problems: how many there
    are; times: how often they came; people: how many users they are about, None for a kind that is about no users;
    hours: the number of problems that came last in each of the latest 24 hours, the oldest hour first.
    """

    cause: str
    kind: str
    reason: str
    problems: int
    times: int
    people: int | None
    first_at: float
    last_at: float
    hours: Sequence[int]


def grouped(store: Store, which: ProblemFilter = ANYTHING, looked_at: int = LOOKED_AT) -> list[ProblemGroup]:
    """Returns problems by their cause, those that came most often first.

    Reasons that differ only in names and numbers have one cause. Only the latest `looked_at` problems are looked at,
    and at most MOST_GROUPS causes are returned.
    """
    with store.reading(patient=True) as tx:
        found = problem_groups.groups(tx, which, looked_at, MOST_GROUPS)
        hours = problem_groups.hours(tx, which, store.now(tx), HOURS, looked_at) if found else {}
    return [_group(each, [hours.get((each.cause, ago), 0) for ago in reversed(range(HOURS))]) for each in found]


def _group(row: GroupRow, hours: Sequence[int]) -> ProblemGroup:
    people = row.subjects if row.kind in OF_USERS else None
    return ProblemGroup(
        row.cause, row.kind, row.reason, row.problems, row.times, people, row.first_at, row.last_at, hours
    )


def latest(store: Store, which: ProblemFilter, after: tuple[float, str] | None, limit: int) -> list[Kept]:
    """Returns the next problems, the latest first.

    Args:
        store: The store.
        which: Which problems are meant.
        after: The time at which the last problem that was seen came, and its id; None at the beginning.
        limit: How many to return at most.
    """
    with store.reading() as tx:
        return problems.latest(tx, which, after, limit)


def others(store: Store, kept: Kept) -> list[Kept]:
    """Returns the latest other problems of the user that a problem is about, in the same sync; none without a user."""
    if not is_of_user(kept):
        return []
    with store.reading() as tx:
        found = problems.about(tx, kept.problem.subject, [kept.sync], _OTHERS)
    return [each for each in found if each.id != kept.id]


def is_of_user(kept: Kept) -> bool:
    """Says whether a problem is about a user and names them."""
    return kept.problem.kind in OF_USERS and bool(kept.problem.subject)


def cause_of(kept: Kept) -> str:
    """Returns the id of the cause of a problem."""
    return cause_id(kept.problem.kind, kept.problem.reason)


def note_causes(store: Store, at_once: int = 1000) -> None:
    """Fills in the causes of problems that an older version has written, `at_once` in a transaction."""
    noted = at_once
    while noted == at_once:
        with store.writing() as tx:
            noted = problems.note_causes(tx, at_once)
