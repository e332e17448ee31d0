"""The line to one workspace, which the whole fleet shares: each request takes its turn, failures pause it for all."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import random
from typing import Any

import structlog

from connector import outcome, pace
from connector.customerio.batches import Request
from connector.customerio.track import Track
from connector.outcome import Pause, Reply, Verdict
from connector.settings.sections import Delivery
from connector.store import connection_health as connections
from connector.store.connection_health import Health
from connector.store.opening import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was sent, its body, what came back and what that means; how long it took."""

    endpoint: str
    items: int
    body: bytes
    reply: Reply
    verdict: Verdict
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Line:
    """The connection `name`, as one process uses it. Threads may share it."""

    name: str
    store: Store
    track: Track
    limits: Delivery
    requests_per_second: float
    sleep: Callable[[float], None] = time.sleep

    def seconds_apart(self, failures: int) -> float:
        """Seconds between two requests, of all workers together, after so many failures in a row."""
        return pace.seconds_apart(self.requests_per_second, failures)

    def send(
        self, request: Request[Any], failures: int, *, backlog: bool, until: float, turn: float | None = None
    ) -> Sent | None:
        """Sends a request when its turn has come; None where that would be after `until`, by the monotonic clock.

        failures: how many in a row there had been before; backlog: whether many wait, so that the way back to full
        speed is to be taken in steps; turn: when that is, by the monotonic clock, where it was taken before.
        """
        self._wait_for(self._own_turn(failures) if turn is None else turn)
        if time.monotonic() > until:  # the wait was long, or the machine stood still
            return None
        body = request.body
        started = time.monotonic()
        reply = self.track.send(request.endpoint, body)
        read = outcome.read_of_segment if request.segment else outcome.read
        verdict = read(reply, len(request.parts))
        sent = Sent(
            request.endpoint, len(request.parts), body, reply, verdict, round((time.monotonic() - started) * 1000)
        )
        if isinstance(verdict, Pause):
            self._pause(verdict)
        elif failures:
            self._recover(backlog=backlog)
        return sent

    def _own_turn(self, failures: int) -> float:
        with self.store.writing(may_be_lost=True) as connection:
            now = self.store.now(connection)
            return time.monotonic() + connections.take_turn(connection, self.name, self.seconds_apart(failures), now)

    def _wait_for(self, turn: float) -> None:
        wait = turn - time.monotonic()
        if wait > 0:
            self.sleep(wait)

    def _recover(self, *, backlog: bool) -> None:
        """Takes failures back, unless somebody has paused the connection meanwhile."""
        with self.store.writing() as connection:
            now = self.store.now(connection)
            health = connections.usable(connection, self.name, self.track.credentials, now)
            if health is None:
                return
            failures = pace.after_success(health.failures) if backlog and not health.for_human else 0
            if failures:
                connections.pause(connection, self.name, Health(None, health.reason, failures))
            else:
                connections.resume(connection, self.name)
        if not failures:
            log.info("connection recovered", connection=self.name)

    def _pause(self, verdict: Pause) -> None:
        with self.store.writing() as connection:
            now = self.store.now(connection)
            paused = self._paused(verdict, connections.health(connection, self.name), now)
            connections.pause(connection, self.name, paused)
        log.warning("connection paused", connection=self.name, reason=verdict.reason, until=verdict.until)

    def _paused(self, verdict: Pause, health: Health, now: float) -> Health:
        """The pause. Requests that fail side by side are one failure, and the longest pause of them counts."""
        if health.for_human and health.paused(now, self.track.credentials):
            return health
        before = health.paused_until or 0.0
        side_by_side = now < before < inf
        failures = health.failures + (0 if side_by_side else 1)
        if verdict.until == "human":
            return Health(inf, verdict.reason, failures, self.track.credentials)
        limits, seconds = self.limits, verdict.seconds
        if seconds is None:
            seconds = outcome.delay(failures, limits.backoff_seconds, limits.backoff_max_seconds, random())
        return Health(max(now + seconds, before if side_by_side else 0.0), verdict.reason, failures)
