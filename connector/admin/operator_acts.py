"""Notes who did what by hand, at whichever door: when it begins, and what came of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256

from connector.store import operator_log
from connector.store.engine import Store
from connector.store.operator_log import NotedAct, OperatorAct, WantedActs

__all__ = [
    "DONE", "FAILED", "NAME_CHARACTERS", "SUBJECT_CHARACTERS", "ActOutcome", "NotedAct", "OperatorAct", "WantedActs",
    "act", "digest", "latest", "noted", "seen", "some", "started",
]  # fmt: skip
NAME_CHARACTERS, SUBJECT_CHARACTERS = 200, 500
_DIGEST_CHARACTERS = 16
DONE, FAILED = "done", "failed"


def digest(subject: str) -> str:
    """Returns what is kept of the name of a person: by it one can tell afterwards whether they were meant."""
    return f"sha256:{sha256(subject.strip().lower().encode()).hexdigest()[:_DIGEST_CHARACTERS]}"


def act(operator: str, door: str, name: str, subject: str, *, of_person: bool) -> OperatorAct:
    """Returns an act that begins now.

    Args:
        operator: Who acts.
        door: Where, as `command` or `console`.
        name: What is done, as the command is called: `problems replay`.
        subject: To what; "" for nothing.
        of_person: Whether that is a person, of whom only a digest is kept.
    """
    kept = digest(subject) if of_person and subject else subject[:SUBJECT_CHARACTERS]
    return OperatorAct(time.time(), operator[:NAME_CHARACTERS], door, name, kept)


def started(job: str) -> str:
    """Returns what came of an act that has started a job and left the work to it; job: the job's id."""
    return f"started as job {job}"


@dataclass(slots=True)
class ActOutcome:
    """What comes of an act that succeeds: that it is done, unless whoever does it says otherwise."""

    words: str = DONE


@contextmanager
def noted(store: Store, what: OperatorAct) -> Iterator[ActOutcome]:
    """Notes an act while the block does it. Raises StoreError, before anything is done, if it cannot be noted."""
    with store.writing() as tx:
        id = operator_log.begin(tx, what)
    outcome, success = FAILED, ActOutcome()
    try:
        yield success
        outcome = success.words
    finally:
        with store.writing() as tx:
            operator_log.end(tx, id, outcome)


def seen(store: Store, what: OperatorAct, outcome: str = DONE) -> None:
    """Notes something that is over when it begins. Raises StoreError, so that nothing is shown that is not noted."""
    with store.writing() as tx:
        operator_log.begin(tx, replace(what, outcome=outcome))


def latest(store: Store, since: float, act: str, limit: int) -> list[OperatorAct]:
    """Returns acts, the latest first.

    Args:
        store: The store.
        since: Only since then, in unix seconds.
        act: How the act begins; "" for all.
        limit: How many to return at most.
    """
    with store.reading() as tx:
        return operator_log.find(tx, since, act, limit)


def some(store: Store, wanted: WantedActs, behind: tuple[float, int] | None, limit: int) -> list[NotedAct]:
    """Returns acts a page at a time, the latest first.

    Args:
        store: The store.
        wanted: Which are meant.
        behind: Only those behind this place: when the last one before began, and its id. None for the latest.
        limit: How many to return at most.
    """
    with store.reading() as tx:
        return operator_log.page(tx, wanted, behind, limit)
