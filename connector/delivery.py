"""Delivers what is due: claim, plan, send, settle. One cycle is a claim of up to some hundred people.

No transaction is open while a request is on its way. Whatever happens to this process between two steps, the lease
runs out, and somebody plans the same people again from what the store holds.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from random import random
from uuid import uuid4

import structlog

from connector import batch, outcome
from connector.batch import Part, Request
from connector.customerio.track import Track
from connector.errand import Claim, Errand
from connector.outcome import Later, Outcome, Pause, Refused, Settled, Split
from connector.rules import Rules
from connector.settings import Delivery
from connector.store import claims, connections, counts, events, problems
from connector.store.connections import Health
from connector.store.opening import Store

log = structlog.get_logger(__name__)

Owner = tuple[Errand, int]
"""Whose an operation is: an errand, and the operation's place in its step."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a cycle did: how many people it claimed, and whether it ended early because the connection is paused."""

    people: int
    paused: bool


@dataclass(frozen=True, slots=True)
class Courier:
    """What is needed to deliver one sync: the store, its rules, its workspace."""

    store: Store
    rules: Rules
    track: Track
    limits: Delivery
    requests_per_second: float
    sleep: Callable[[float], None] = time.sleep

    def deliver(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Delivers until nothing is due or the connection is paused (True), or until `until` says so (False)."""
        while not until():
            done = self.cycle()
            if done.paused or not done.people:
                return True
        return False

    def cycle(self) -> Delivered:
        """One claim, and everything it takes to settle it."""
        if not self.rules.deliver:
            return Delivered(0, paused=True)
        lease = uuid4().hex
        claimed = self._claim(lease)
        if not claimed:
            return Delivered(0, paused=False)
        errands = [Errand.of(claim, self.rules) for claim in claimed]
        paused = self._send_all(errands)
        self._settle(lease, errands)
        return Delivered(len(errands), paused)

    def _claim(self, lease: str) -> Sequence[Claim]:
        with self.store.writing() as connection:
            now = self.store.now(connection)
            if connections.health(connection, self.rules.connection).paused(now, self.track.credentials):
                return ()
            limits = self.limits
            return claims.claim(connection, self.rules.name, lease, limits.people, now, limits.lease_seconds)

    def _send_all(self, errands: Sequence[Errand]) -> bool:
        """Sends step after step of all errands; True where the connection was paused and the rest must wait."""
        give_up_at = time.monotonic() + self.limits.lease_seconds / 2
        under_way = errands
        while under_way:
            paused = self._send_steps(under_way, give_up_at)
            under_way = [errand for errand in under_way if errand.advance() and not paused]
            if paused:
                return True
        return False

    def _send_steps(self, errands: Sequence[Errand], give_up_at: float) -> bool:
        parts, oversize = batch.fitting([part for errand in errands for part in _parts(errand)])
        for part in oversize:
            _note(part, Refused(f"the operation has {len(part.encoded)} bytes, more than Customer.io takes"))
        waiting = list(reversed(list(batch.pack(parts))))
        while waiting:
            if time.monotonic() > give_up_at:
                return True
            request = waiting.pop()
            match self._send(request):
                case Settled(outcomes):
                    for part, outcome in zip(request.parts, outcomes, strict=True):
                        _note(part, outcome)
                case Split():
                    waiting += reversed(request.halves())
                case Pause(reason=reason, doubt=doubt):
                    for part in request.parts:
                        _note(part, Later(reason, doubt))
                    return True
        return False

    def _send(self, request: Request[Owner]) -> outcome.Verdict:
        with self.store.writing() as connection:
            now = self.store.now(connection)
            wait = connections.take_turn(connection, self.rules.connection, 1 / self.requests_per_second, now)
        if wait > 0:
            self.sleep(wait)
        body = request.body
        started = time.monotonic()
        reply = self.track.send(request.endpoint, body)
        verdict = outcome.read(reply, len(request.parts))
        log.info(
            "batch sent",
            sync=self.rules.name,
            endpoint=request.endpoint,
            items=len(request.parts),
            bytes=len(body),
            status=reply.status,
            milliseconds=round((time.monotonic() - started) * 1000),
            verdict=type(verdict).__name__.lower(),
        )
        self._note_health(verdict)
        return verdict

    def _note_health(self, verdict: outcome.Verdict) -> None:
        with self.store.reading() as connection:
            health = connections.health(connection, self.rules.connection)
        if not isinstance(verdict, Pause):
            if health.failures or health.paused_until is not None:
                with self.store.writing() as connection:
                    connections.resume(connection, self.rules.connection)
                log.info("connection recovered", connection=self.rules.connection)
            return
        with self.store.writing() as connection:
            paused = self._paused(verdict, health, self.store.now(connection))
            connections.pause(connection, self.rules.connection, paused)
        log.warning("connection paused", connection=self.rules.connection, reason=verdict.reason, until=verdict.until)

    def _paused(self, verdict: Pause, health: Health, now: float) -> Health:
        failures = health.failures + 1
        if verdict.until == "human":
            return Health(inf, verdict.reason, failures, self.track.credentials)
        seconds = verdict.seconds
        if seconds is None:
            seconds = outcome.delay(failures, self.limits.backoff_seconds, self.limits.backoff_max_seconds, random())
        return Health(now + seconds, verdict.reason, failures)

    def _settle(self, lease: str, errands: Sequence[Errand]) -> None:
        settlements = [errand.settlement() for errand in errands]
        sent = [id for errand in errands for id in errand.sent]
        refused = [id for errand in errands for id in errand.refused]
        dropped = [id for errand in errands for id in errand.dropped]
        tally = Counter[str](effect for errand in errands for effect in errand.effects)
        tally.update({"events sent": len(sent), "events refused": len(refused), "events dropped": len(dropped)})
        name = self.rules.name
        with self.store.writing() as connection:
            now = self.store.now(connection)
            claims.lock(connection, name, lease)  # people before their events, as intake takes them
            events.settle(connection, name, sent, events.SENT)
            events.settle(connection, name, refused, events.REFUSED)
            events.settle(connection, name, dropped, events.DROPPED)
            claims.settle(connection, name, lease, settlements, now)
            problems.add(connection, name, [problem for each in errands for problem in each.problems], now)
            counts.tally(connection, name, tally)


def _parts(errand: Errand) -> list[Part[Owner]]:
    return batch.encode(((errand, index), operation) for index, operation in enumerate(errand.step.operations))


def _note(part: Part[Owner], each: Outcome) -> None:
    errand, index = part.owner
    errand.note(index, each)
