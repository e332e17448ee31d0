"""Holds a queue from which nothing can be taken in for now, and says so. Nothing is acknowledged or given back.

RabbitMQ counts how often a message is given back, and after a hundred times makes it a dead letter. That count is meant
for what a message does, not for what its surroundings do.
"""

from time import monotonic

import structlog

from connector.errors import StoreError
from connector.model.problem import Problem, ProblemKind
from connector.store import problems
from connector.store.engine import Store

log = structlog.get_logger(__name__)
KIND: ProblemKind = "queue"
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0
_SAY_SECONDS = 60.0
_LONGEST_SECONDS = 600.0
"""RabbitMQ takes back after half an hour what is not acknowledged. Before that it is given back once, and nothing more
is asked for until it can be taken in."""


class Hold:
    """Whether a queue is held, since when, and when it is tried again."""

    def __init__(self, store: Store, queue: str) -> None:
        """Holds nothing yet."""
        self._store = store
        self._queue = queue
        self._since: float | None = None
        self._again_at = 0.0
        self._pause = _FIRST_PAUSE_SECONDS
        self._said: tuple[str, float] = ("", 0.0)
        self._noted = ""
        self._cleared_in: int | None = None

    def begin(self, reason: str, messages: int) -> None:
        """Holds the queue, or holds it for longer."""
        now = monotonic()
        self._since = self._since or now
        self._again_at = now + self._pause
        self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)
        if self._said[0] != reason or now - self._said[1] >= _SAY_SECONDS:
            self._said = (reason, now)
            held = round(now - self._since)
            log.error("the queue is held: nothing can be taken in", queue=self._queue, reason=reason, seconds=held,
                      messages=messages)  # fmt: skip
        if self._noted != reason:
            self._note(reason)

    def pausing(self) -> bool:
        """Says whether it is too early to try the queue again."""
        return self._since is not None and monotonic() < self._again_at

    def too_long(self) -> bool:
        """Says whether it is time to give back the messages that are held."""
        return self._since is not None and monotonic() - self._since > _LONGEST_SECONDS

    def end(self, session: int) -> None:
        """Ends the hold. In the first batch of a session, also one that another reader noted and did not live to end.

        session: That of the queue's lease, by this reader's own count.
        """
        if self._cleared_in != session and self._note(""):
            self._cleared_in = session
        if self._since is None:
            return
        log.info("the queue goes on", queue=self._queue, seconds=round(monotonic() - self._since))
        self._since, self._pause, self._said = None, _FIRST_PAUSE_SECONDS, ("", 0.0)
        if self._noted:
            self._note("")

    def _note(self, reason: str) -> bool:
        """Writes the hold where `connector status` looks. Returns whether the store took it."""
        try:
            with self._store.writing() as tx:
                problems.instead(tx, Problem(KIND, self._queue, reason), self._store.now(tx))
        except StoreError:
            return False
        self._noted = reason
        return True
