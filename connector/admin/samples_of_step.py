"""Samples of a step of the funnel: some of the people who came to it lately, each with when and why."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from connector.admin.funnel import LATER, Funnel
from connector.audience.audience_status import NUMBERS, AudienceStatus
from connector.delivery import outcomes
from connector.intake import funnel_steps
from connector.model.history import Answer, CameTo, What
from connector.model.problem import EVERY_SYNC, ProblemKind
from connector.planning.direction import LEFT
from connector.store import history, problems
from connector.store.engine import Store
from connector.store.history import Wanted

SHOWN = 10
LOOKED_AT = 20_000
"""The number of latest entries, in the history of all people, that are searched for samples."""
_STANDING = AudienceStatus.IN.value
_LEFT = tuple(NUMBERS[each] for each in AudienceStatus if each.left)
_OF_PROBLEMS: dict[str, tuple[ProblemKind, bool]] = {
    funnel_steps.UNREADABLE: ("unreadable", True),
    outcomes.REFUSED: ("refused", False),
    LATER: ("failed later", False),
    outcomes.HELD: ("held", False),
}
"""The kind of problem that a step leaves, and whether such problems belong to no single sync."""


class StepSample(NamedTuple):
    """Somebody who came to a step: their key ("" where a message names nobody), when, and the reason if one is kept."""

    key: str
    at: float
    reason: str


class Samples(NamedTuple):
    """Some of those who came to a step, the latest first. kept: False where the store keeps nothing to find them by."""

    found: Sequence[StepSample]
    kept: bool = True


def of(store: Store, funnel: Funnel, step: str, reason: str = "") -> Samples:
    """Returns samples of a step, for one of its reasons or for all of them.

    Args:
        store: The store.
        funnel: The funnel, which gives the sync and the beginning of the period.
        step: The step, by its name.
        reason: The reason, "" for all. Only the people not in the audience, and those due who left, are chosen by it;
            for every other step or reason the samples are of all reasons.
    """
    with store.reading() as tx:
        if step in _OF_PROBLEMS:
            return Samples(_of_problems(tx, funnel, *_OF_PROBLEMS[step]))
        wanted = _wanted(step, reason)
        if wanted is None:
            return Samples((), kept=False)
        rows = history.latest(tx, funnel.sync, wanted, funnel.begin, LOOKED_AT, SHOWN)
        return Samples([StepSample(key, at, "") for key, at in rows])


def _of_problems(tx: Connection, funnel: Funnel, kind: ProblemKind, of_all: bool) -> list[StepSample]:
    found = problems.lately(tx, EVERY_SYNC if of_all else funnel.sync, kind, funnel.begin, SHOWN)
    return [StepSample(each.problem.subject, each.last_at, each.problem.reason) for each in found]


def _wanted(step: str, reason: str) -> Wanted | None:
    """Returns the entries of the history that stand for a step; None where the history does not tell."""
    if step == outcomes.DELIVERED:
        return Wanted(What.SENT, (Answer.TAKEN,))
    if step == funnel_steps.DUE:
        return Wanted(What.SAID, (CameTo.DUE,), _LEFT if reason == LEFT else ())
    if step == funnel_steps.OUTSIDE:
        numbers = tuple(
            number for name, number in NUMBERS.items() if name == reason or (not reason and name != _STANDING)
        )
        return Wanted(What.SAID, (CameTo.NOTHING_TO_SEND,), numbers)
    return _BY_STEP.get(step)


_BY_STEP = {
    funnel_steps.REPEATED: Wanted(What.SAID, (CameTo.NOTHING_NEW,)),
    funnel_steps.NO_CHANGE: Wanted(What.SAID, (CameTo.NOTHING_TO_SEND,), (NUMBERS[_STANDING],)),
    funnel_steps.WAITS: Wanted(What.SAID, (CameTo.WAITS,)),
    funnel_steps.TOGETHER: Wanted(What.SAID, (CameTo.DUE,), several=True),
}
