"""Records who did what by hand, by a command or at the console: when it began, and what came of it."""

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
    """Returns what is kept in place of a person's name, by which one can tell later whether they were meant.

    It is a shortened SHA-256 of the name in lower case.
    """
    return f"sha256:{sha256(subject.strip().lower().encode()).hexdigest()[:_DIGEST_CHARACTERS]}"


def act(operator: str, door: str, name: str, subject: str, *, of_person: bool) -> OperatorAct:
    """Returns an act that begins now, its texts cut to the lengths that the log takes.

    Args:
        operator: Who acts.
        door: Where they act, as `command` or `console`.
        name: What they do, by the name of the command: `problems replay`.
        subject: What they do it to; "" for nothing.
        of_person: Whether the subject is a person, of whom only a digest is kept.
    """
    kept = digest(subject) if of_person and subject else subject[:SUBJECT_CHARACTERS]
    return OperatorAct(time.time(), operator[:NAME_CHARACTERS], door, name, kept)


def started(job: str) -> str:
    """Returns the outcome of an act that has started a job to do the work. job: the job's id."""
    return f"started as job {job}"


@dataclass(slots=True)
class ActOutcome:
    """The outcome of an act that succeeds: "done", unless the code that does it sets other words."""

    words: str = DONE


@contextmanager
def noted(store: Store, what: OperatorAct) -> Iterator[ActOutcome]:
    """Records the beginning of an act, runs the block that does it, and records the outcome.

    Raises StoreError where the beginning cannot be recorded, before anything is done. The outcome is "failed" where the
    block raises.
    """
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
    """Records an act that takes no time, such as a look at a person.

    Raises StoreError where it cannot be recorded, so that nothing is shown unrecorded.
    """
    with store.writing() as tx:
        operator_log.begin(tx, replace(what, outcome=outcome))


def latest(store: Store, since: float, act: str, limit: int) -> list[OperatorAct]:
    """Returns acts, the latest first.

    Args:
        store: The store.
        since: Only acts since then, in unix seconds.
        act: The text that the act's name begins with; "" for all.
        limit: How many to return at most.
    """
    with store.reading() as tx:
        return operator_log.find(tx, since, act, limit)


def some(store: Store, wanted: WantedActs, behind: tuple[float, int] | None, limit: int) -> list[NotedAct]:
    """Returns acts a page at a time, the latest first.

    Args:
        store: The store.
        wanted: Which acts are meant.
        behind: The time at which the last act of the page before began, and its id; None for the first page.

        limit: How many to return at most.
    """
    with store.reading() as tx:
        return operator_log.page(tx, wanted, behind, limit)
