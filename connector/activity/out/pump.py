"""Brings the outbox to its targets: in order, again until it is taken, and slower while a target fails."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import random
from uuid import uuid4

import structlog
from pydantic_core import to_json
from sqlalchemy import Connection

from connector.activity.out.targets import NotTaken, Receiver
from connector.customerio import backoff
from connector.model.problem import EVERY_SYNC, Problem, ProblemKind
from connector.settings.out import OutTarget
from connector.settings.sections import DeliverySettings
from connector.store import import_jobs, named_leases, outgoing, problems
from connector.store.engine import Store
from connector.store.outgoing import TargetState, Waiting

log = structlog.get_logger(__name__)
KIND: ProblemKind = "out"
REFUSED: ProblemKind = "out refused"
MOST_REFUSALS = 5
"""After this many refusals by its target a message is put aside."""
_SPARE_SECONDS = 30.0


def lease_name(target: str) -> str:
    """Returns the name of the lease that a process holds while it sends to a target."""
    return f"out:{target}"


def due(store: Store, targets: Sequence[OutTarget]) -> list[OutTarget]:
    """Returns the targets with messages waiting, except those in a pause after a failure.

    Targets whose import job is paused or has ended are left out too. Raises StoreError.
    """
    if not targets:
        return []
    with store.reading() as tx:
        now, states = store.now(tx), outgoing.states(tx)
        still = import_jobs.still(tx, "out")
        going = [each for each in targets if each.name not in still]
        free = [each for each in going if states.get(each.name, TargetState()).paused_until <= now]
        return [each for each in free if outgoing.first(tx, each.name, 1)]


@dataclass(frozen=True, slots=True)
class Pump:
    """The sender to one target. A lease lets one process at a time send, so that the order is kept."""

    store: Store
    settings: OutTarget
    target: Receiver
    limits: DeliverySettings

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Sends until no message waits, the target fails or is paused, or `until` says to stop.

        Sends nothing while another process holds the target's lease. Raises StoreError.
        """
        holder = uuid4().hex
        with self.store.writing() as tx:
            if not named_leases.take(tx, lease_name(self.settings.name), holder, self.store.now(tx), self._seconds):
                return
        try:
            while not until() and self._send_some(holder):
                pass
        finally:
            with suppress(Exception):  # it may be broken, and what it holds is then freed with it
                self.target.close()
            with self.store.writing() as tx:
                named_leases.give_back(tx, lease_name(self.settings.name), holder)

    @property
    def _seconds(self) -> float:
        """Returns the length of the lease, in seconds: longer than any request sent under it can take."""
        return 2 * self.settings.timeout_seconds + _SPARE_SECONDS

    def _send_some(self, holder: str) -> bool:
        """Sends what fits into one request. Returns whether to go on."""
        with self.store.writing() as tx:
            now = self.store.now(tx)
            state = outgoing.states(tx).get(self.settings.name, TargetState())
            if state.paused_until > now or self.settings.name in import_jobs.still(tx, "out"):
                return False
            if not self._ours(tx, holder, now):
                return False
            batch = self._next(tx, state)
        if not batch:
            return False
        answer = self._sent(batch)
        with self.store.writing() as tx:
            now = self.store.now(tx)
            return self._ours(tx, holder, now) and self._answered(tx, batch, answer, state, now)

    def _sent(self, batch: Sequence[Waiting]) -> NotTaken | None:
        """Sends messages. An unforeseen error is reported as a failure of the target, not only logged."""
        try:
            return self.target.send(batch)
        except Exception as error:
            log.exception("a message could not be sent on", target=self.settings.name)
            return NotTaken(f"it cannot be sent ({type(error).__name__})")

    def _answered(
        self, tx: Connection, batch: Sequence[Waiting], answer: NotTaken | None, before: TargetState, now: float
    ) -> bool:
        """Records the target's answer. Returns whether to go on at once."""
        if answer is None:
            self._taken(tx, batch, before)
            return True
        if answer.taken:
            outgoing.taken(tx, self.settings.name, [each.id for each in batch[: answer.taken]])
            before = before._replace(failures=0)
        if answer.refused:
            return self._refused(tx, batch, answer, before, now)
        self._failed(tx, answer, before, now)
        return False

    def _ours(self, tx: Connection, holder: str, now: float) -> bool:
        return named_leases.renew(tx, lease_name(self.settings.name), holder, now, self._seconds)

    def _next(self, tx: Connection, state: TargetState) -> list[Waiting]:
        """Returns the next messages to send. After a failure it is one, which is cheap for the target to refuse."""
        waiting = outgoing.first(tx, self.settings.name, 1 if state.failures else self.settings.at_once)
        if waiting and waiting[0].id <= state.alone_up_to:
            return waiting[:1]
        return self._fitting(waiting)

    def _fitting(self, waiting: Sequence[Waiting]) -> list[Waiting]:
        """Returns the first of these messages that together fit the bound in bytes, and always at least one."""
        batch: list[Waiting] = []
        size = 0
        for each in waiting:
            size += len(each.body.encode())
            if batch and size > self.settings.batch_bytes:
                break
            batch.append(each)
        return batch

    def _taken(self, tx: Connection, batch: Sequence[Waiting], before: TargetState) -> None:
        outgoing.taken(tx, self.settings.name, [each.id for each in batch])
        if before.failures or before.refusals:
            outgoing.fares(tx, self.settings.name, TargetState(alone_up_to=before.alone_up_to))
            problems.clear(tx, KIND, self.settings.name)
        log.info("sent on", target=self.settings.name, messages=len(batch))

    def _refused(
        self, tx: Connection, batch: Sequence[Waiting], answer: NotTaken, before: TargetState, now: float
    ) -> bool:
        """Finds the one at fault, tries it again a few times, and puts it aside. Returns whether to go on at once."""
        if len(batch) > 1:
            outgoing.fares(tx, self.settings.name, before._replace(alone_up_to=batch[-1].id))
            return True
        refusals = before.refusals + 1
        if refusals < MOST_REFUSALS or not self._put_aside(tx, batch[0], answer, now):
            self._failed(tx, answer, before._replace(refusals=refusals), now)
            return False
        if outgoing.first(tx, self.settings.name, 1):
            # The failures still count: where it refuses everything, it is asked ever more seldom.
            outgoing.fares(tx, self.settings.name, before._replace(refusals=0, paused_until=now))
            return True
        outgoing.fares(tx, self.settings.name, TargetState())
        problems.clear(tx, KIND, self.settings.name)
        return False

    def _put_aside(self, tx: Connection, refused: Waiting, answer: NotTaken, now: float) -> bool:
        """Keeps the message as a problem that can be replayed. Returns False if it is too large to be kept."""
        message = outgoing.message(tx, refused.id)
        if message is None or len(to_json(message)) > problems.PAYLOAD_CHARACTERS:
            return False
        told = f"{answer.reason}, {MOST_REFUSALS} times: this message was put aside, and those behind it go on"
        problems.add(tx, EVERY_SYNC, [Problem(REFUSED, self.settings.name, told, dict(message))], now)
        outgoing.taken(tx, self.settings.name, [refused.id])
        log.warning("a message was put aside", target=self.settings.name, id=refused.message_id, reason=answer.reason)
        return True

    def _failed(self, tx: Connection, answer: NotTaken, before: TargetState, now: float) -> None:
        limits, failures = self.limits, before.failures + 1
        pause = backoff.delay(failures, limits.backoff_seconds, limits.backoff_max_seconds, random())
        seconds = max(pause, answer.seconds)
        state = before._replace(failures=failures, paused_until=now + seconds, reason=answer.reason)
        outgoing.fares(tx, self.settings.name, state)
        told = f"nothing goes on to it: {answer.reason}. It is tried again, with growing pauses, and nothing is lost"
        problems.instead(tx, Problem(KIND, self.settings.name, told), now)
        log.warning("a target does not take what is sent on", target=self.settings.name, reason=answer.reason,
                    seconds=round(seconds, 1))  # fmt: skip
