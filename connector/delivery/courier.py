"""Delivers what is due: claims, plans, sends, settles. One cycle is a claim of up to some hundred people.

No transaction is open while a request is on its way. Whatever happens to this process between two steps, the lease
runs out, and another worker plans the same people again from what the store holds.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from random import random
from uuid import uuid4

import structlog
from sqlalchemy import Connection

from connector.audience.rules import Rules
from connector.customerio import backoff, batches
from connector.customerio.batches import Part
from connector.customerio.request_log import KeptBodies
from connector.delivery import circuit, feedback, object_gate, other_syncs, outcomes, parts_of_calls, traced
from connector.delivery.claim_keeper import ClaimKeeper, Held
from connector.delivery.manual_segments import Mirrors, Served
from connector.delivery.sender import Run, Sender
from connector.delivery.traced import TracedClaim
from connector.model.entity import EntityKind
from connector.planning import deletion_guard
from connector.planning.attempt import Attempt, Claim
from connector.planning.leasing import SendingTerms
from connector.planning.settlement import Confirmed
from connector.store import (
    claims,
    connection_health,
    events,
    history,
    manual_segments,
    merged_users,
    named_leases,
    problems,
    relationships,
    request_log,
    tallies,
)
from connector.store import deletion_guard as admissions
from connector.store import settlements as settling
from connector.store.engine import Store
from connector.store.entities import OBJECT, PERSON
from connector.store.settlements import Alone
from connector.tracing.tracer import Tracer

log = structlog.get_logger(__name__)

_FEW = 0.25
_ASIDE = 8
"""A manual segment whose requests fail is set aside for this many times the first pause."""
ALONE_AT_ONCE = 2
ALONE_SECONDS = 1.0
"""All workers together try this many of those who fail alone in one turn, and pause this long before the next turn."""
_DONE = {events.SENT: "sent", events.REFUSED: "refused", events.DROPPED: "dropped"}

Owner = tuple[Attempt, int]
"""The owner of an operation: an attempt, and the operation's place in its step."""


@dataclass(frozen=True, slots=True)
class CycleResult:
    """The result of a cycle.

    people: how many people or objects it claimed. paused: whether the connection is paused. more: whether some of them
    have another step to take.
    """

    people: int
    paused: bool
    more: bool = False


@dataclass(frozen=True, slots=True)
class Courier:
    """Delivers one sync: has its store, its rules, and the sender to its workspace.

    others: the other syncs of the same workspace. tracer: records spans, None where nothing does.
    """

    store: Store
    rules: Rules
    sender: Sender
    call_bodies: KeptBodies = "failed"
    mirrors: Mirrors | None = None
    keeper: ClaimKeeper | None = None
    others: Sequence[Rules] = ()
    tracer: Tracer | None = None

    def deliver(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Delivers until nothing is due, the connection is paused, or `until` returns True.

        People who fail alone have a turn at the end. Returns False if `until` has ended it, else True.
        """
        finished = self._deliver(until)
        if self.rules.deliver:
            for kind in (OBJECT, PERSON) if self.rules.objects else (PERSON,):
                self._try_alone(kind)
        return finished

    def _deliver(self, until: Callable[[], bool]) -> bool:
        while not until():
            done = self.cycle()
            if done.paused or not done.people:
                return True
            if done.people < self.sender.limits.people * _FEW and not done.more:
                return True  # people who become due meanwhile ring the doorbell again: going on would keep others out
        return False

    def cycle(self) -> CycleResult:
        """Claims, sends and settles once: objects first, since people are related to them, then people."""
        if not self.rules.deliver:
            return CycleResult(0, paused=True)
        if not self.rules.objects:
            return self._cycle(PERSON)
        objects = self._cycle(OBJECT)
        if objects.paused:
            return objects
        people = self._cycle(PERSON)
        return CycleResult(objects.people + people.people, people.paused, objects.more or people.more)

    def _cycle(self, kind: EntityKind) -> CycleResult:
        lease = uuid4().hex
        served = self._served(kind)
        claimed, run = self._claim(lease, kind, self.sender.limits.people)
        if not claimed:
            if run.stopped:
                self.sender.probe()
            return CycleResult(0, paused=False)
        done = self._sent_for(lease, claimed, run, served)
        self._end_trial(run)
        return done

    def _end_trial(self, run: Run) -> None:
        """Lets others send to a connection that failed, if the claim of this run was the only one that might."""
        held = run.leased
        if isinstance(held, Held) and held.trial:
            with self.store.writing(may_be_lost=True) as tx:
                named_leases.give_back(tx, held.trial, held.lease)

    @property
    def line(self) -> SendingTerms:
        """Returns the terms of sending to the workspace, for a transaction that leases people for this courier."""
        sender = self.sender
        return SendingTerms(sender.name, sender.track.credentials, sender.seconds_apart(0), sender.limits.people)

    def deliver_claimed(
        self, lease: str, claimed: Sequence[Claim], first_turn: float, leased_at: float, stopped: str = ""
    ) -> CycleResult:
        """Sends what is due for people whom intake has leased (`intake.leasing`), and settles it.

        Args:
            lease: the id of the lease that they are under.
            claimed: the people, in the order of their keys.
            first_turn: when the first request may go, in seconds of the monotonic clock.
            leased_at: a moment before they were leased, in seconds of the monotonic clock.
            stopped: why nothing is to be sent; then the people are given back as they are. "" to send.

        Returns:
            What was done. The caller rings the doorbell if `more` is true.
        """
        run = self._run(0, Held(self.rules.name, PERSON, lease, self.sender.limits.lease_seconds, leased_at))
        run.first_turn, run.stopped, run.backlog = first_turn, stopped, False
        return self._sent_for(lease, claimed, run, self._served(PERSON))

    def _sent_for(self, lease: str, claimed: Sequence[Claim], run: Run, served: Served) -> CycleResult:
        with traced.telling(self.tracer, self.store, self.rules.name, claimed, run) as traces:
            attempts = self._begun(lease, claimed, served)
            if traces is not None:
                traces.plan()
            with self._keeping(run, attempts):
                paused = self._send_all([attempt for attempt in attempts if not attempt.held_back], run)
            more = bool(attempts) and self._settle(lease, attempts, run, served, traces)
        return CycleResult(len(claimed), paused, more or len(attempts) < len(claimed))

    def _keeping(self, run: Run, attempts: Sequence[Attempt]) -> AbstractContextManager[None]:
        """Returns a context in which the lease is renewed while requests are on their way."""
        if self.keeper is None or not isinstance(run.leased, Held) or not attempts:
            return nullcontext()
        return self.keeper.keeping(run.leased, [attempt.claim.entity.key for attempt in attempts])

    def _try_alone(self, kind: EntityKind) -> None:
        """Sends a few of those whose requests failed, each alone. One worker at a time does so."""
        name, holder, store = f"alone:{self.sender.name}", uuid4().hex, self.store
        if self.keeper and not self.keeper.is_time(f"alone {kind} of {self.rules.name}", ALONE_SECONDS):
            return
        with store.reading() as tx:
            if not claims.any_alone(tx, self.rules.name, store.now(tx), kind):
                return
        longest = ALONE_AT_ONCE * self.sender.limits.timeout_seconds + ALONE_SECONDS
        with store.writing() as tx:
            if not named_leases.take(tx, name, holder, store.now(tx), longest):
                return
        self._alone_cycle(kind)
        with store.writing() as tx:
            named_leases.renew(tx, name, holder, store.now(tx), ALONE_SECONDS)

    def _alone_cycle(self, kind: EntityKind) -> None:
        lease = uuid4().hex
        served = self._served(kind)
        claimed, run = self._claim(lease, kind, ALONE_AT_ONCE, alone=True)
        if not claimed:
            return
        with traced.telling(self.tracer, self.store, self.rules.name, claimed, run) as traces:
            attempts = self._begun(lease, claimed, served)
            self._send_one_by_one(attempts, run)
            if attempts:
                self._settle(lease, attempts, run, served, traces)

    def _send_one_by_one(self, attempts: Sequence[Attempt], run: Run) -> None:
        with self._keeping(run, attempts):
            for attempt in attempts:
                if not (attempt.held_back or run.stopped):
                    self._send_all([attempt], run)

    def _served(self, kind: EntityKind) -> Served:
        return self.mirrors.served(self.rules) if self.mirrors and kind == PERSON else Served(self.rules)

    def _begun(self, lease: str, claimed: Sequence[Claim], served: Served) -> list[Attempt]:
        """Returns an attempt for each claim, except for users who were handed over to those they were merged into.

        Relationships to objects that are not there yet are left out. Deletions that the guard holds are held back.
        """
        if self.rules.objects and claimed[0].entity.kind == PERSON:
            claimed = object_gate.reachable(self.store, self.rules, claimed)
        claimed = feedback.restrained(self.store, self.rules, claimed)
        attempts = self._handed_over(lease, [Attempt.of(claim, served.rules) for claim in claimed])
        if self.others:
            attempts = other_syncs.shared(self.store, self.others, attempts)
        self._guard([attempt for attempt in attempts if attempt.unguarded])
        return attempts

    def _claim(self, lease: str, kind: EntityKind, most: int, *, alone: bool = False) -> tuple[Sequence[Claim], Run]:
        """Claims entities that are due and takes the first turn to send. Claims none while the connection is paused."""
        sender, limits = self.sender, self.sender.limits
        held = Held(self.rules.name, kind, lease, limits.lease_seconds, time.monotonic())
        with self.store.writing() as tx:
            now = self.store.now(tx)
            health = connection_health.usable(tx, sender.name, sender.track.credentials, now)
            if health is None:
                return (), self._run(0, held, stopped="the connection is paused")
            if health.failures and not (alone or self._take_trial(tx, held, now)):
                return (), self._run(health.failures, held)
            people = most if alone else backoff.people(most, health.failures)
            seconds = limits.lease_seconds
            claimed = claims.claim(tx, self.rules.name, lease, people, now, seconds, kind, alone=alone)
            if not claimed:
                if held.trial:
                    named_leases.give_back(tx, held.trial, lease)
                return (), self._run(health.failures, held)
            wait = connection_health.take_turn(tx, sender.name, sender.seconds_apart(health.failures), now)
        run = self._run(health.failures, held)
        run.backlog, run.first_turn, run.alone = len(claimed) == people, time.monotonic() + wait, alone
        return claimed, run

    def _take_trial(self, tx: Connection, held: Held, now: float) -> bool:
        """Takes the right to be the only claim that sends to a connection that fails. Returns False if another has."""
        name = circuit.trial(self.sender.name)
        if not named_leases.take(tx, name, held.lease, now, held.seconds):
            return False
        held.trial = name
        return True

    def _run(self, failures: int, held: Held, stopped: str = "") -> Run:
        return Run(self.rules.name, failures, held, bodies=self.call_bodies, stopped=stopped)

    def _handed_over(self, lease: str, attempts: list[Attempt]) -> list[Attempt]:
        """Hands over the users who were merged into others. Returns the attempts that are left."""
        keys = [attempt.claim.entity.key for attempt in attempts if attempt.to_hand_over]
        if not keys:
            return attempts
        with self.store.writing() as tx:
            survivors = merged_users.hand_over(tx, self.rules, lease, keys, self.store.now(tx))
        log.info("handed over to the users whom they turned out to be", sync=self.rules.name, people=len(keys))
        gone = {*keys, *survivors}  # those who have taken over are claimed anew, with what they received
        return [attempt for attempt in attempts if attempt.claim.entity.key not in gone]

    def _guard(self, exits: Sequence[Attempt]) -> None:
        """Asks the deletion guard whether these may be deleted. If not, their attempts are held back."""
        limits = self.rules.deletion_guard
        if not exits or deletion_guard.off(limits):
            return
        keys, kind = [attempt.claim.entity.key for attempt in exits], exits[0].claim.entity.kind
        with self.store.writing() as tx:
            may = admissions.admit(tx, self.rules.name, limits, keys, self.store.now(tx), kind)
        if not may:
            log.warning("deletions held", sync=self.rules.name, kind=kind, count=len(keys))
            for attempt in exits:
                attempt.hold()

    def _send_all(self, attempts: Sequence[Attempt], run: Run) -> bool:
        """Sends step after step of all attempts. Returns True if the connection was paused and the rest must wait."""
        under_way = attempts
        while under_way:
            paused = self._send_steps(under_way, run)
            under_way = [attempt for attempt in under_way if attempt.advance() and not paused]
            if paused:
                return True
        return False

    def _send_steps(self, attempts: Sequence[Attempt], run: Run) -> bool:
        """Sends one step of each attempt and notes what became of it. Returns True if nothing more is to be sent."""
        parts = [part for attempt in attempts for part in _parts(attempt)]
        refusing_before, failing_before = set(run.refusing), set(run.failing)
        for part, result, _ in self.sender.send_all(parts, run):
            attempt, index = part.owner
            attempt.note(index, result)
        if self.mirrors:
            for segment in sorted(run.refusing - refusing_before):
                self.mirrors.lose(attempts[0].rules, segment)
            for segment in sorted(run.failing.keys() - failing_before):
                self.mirrors.fail(attempts[0].rules, segment, run.failing[segment], self._aside_seconds)
        return bool(run.stopped)

    @property
    def _aside_seconds(self) -> float:
        limits = self.sender.limits
        return min(_ASIDE * limits.backoff_seconds, limits.backoff_max_seconds)

    def _alone(self, attempts: Sequence[Attempt], now: float) -> dict[str, Alone]:
        """Returns the failures and the next time of those whose requests failed alone, by key: each wait is longer."""
        limits, waiting = self.sender.limits, {}
        for attempt in attempts:
            if attempt.fails_alone:
                count = attempt.claim.attempts + 1
                seconds = backoff.delay(count, limits.backoff_seconds, limits.backoff_max_seconds, random())
                waiting[attempt.claim.entity.key] = Alone(count, now + seconds)
        return waiting

    def _settle(
        self, lease: str, attempts: Sequence[Attempt], run: Run, served: Served, traces: TracedClaim | None
    ) -> bool:
        """Writes what became of the attempts. Returns whether some of them have another step to take."""
        if self.others:
            other_syncs.send_again(self.store, self.others, attempts)
        settlements = [attempt.settlement() for attempt in attempts]
        done = {
            events.SENT: [id for attempt in attempts for id in attempt.sent],
            events.REFUSED: [id for attempt in attempts for id in attempt.refused],
            events.DROPPED: [id for attempt in attempts for id in attempt.dropped],
        }
        kind = attempts[0].claim.entity.kind
        of_kind = "" if kind == PERSON else "objects "
        tally = Counter[str](f"{of_kind}{effect}" for attempt in attempts for effect in attempt.effects)
        tally.update({f"events {_DONE[state]}": len(ids) for state, ids in done.items()})
        tally.update(feedback.counted(attempts))
        late = [each.claim.entity.key for each in attempts if served.waiting and each.passes_over(served.waiting)]
        name = self.rules.name
        # If a crash takes a settlement back, that is like a lost answer: the doubt of the claim is still there.
        with self.store.writing(may_be_lost=True) as tx:
            now = self.store.now(tx)
            alone = self._alone(attempts, now)
            settled = settling.settle(tx, name, lease, settlements, now, done, alone, self.rules)
            if late:
                manual_segments.wait(tx, name, late, now + max(served.waiting.values()))
            if kind == OBJECT:
                relationships.told(tx, name, settled.settlements, now)
            problems.add(tx, name, [problem for each in attempts for problem in each.all_problems], now)
            sound = [each.entity.key for each in settled.settlements if each.entity.key not in alone]
            failed_before = {attempt.claim.entity.key for attempt in attempts if attempt.claim.attempts}
            problems.clear_all(tx, name, "failing", failed_before.intersection(sound))
            counted = {name: tally, tallies.way(name): outcomes.of_people(attempts, settled.settlements, now)}
            tallies.tally(tx, {**counted, tallies.requests(self.sender.name): outcomes.of_requests(run.calls)}, now)
            if traces is not None:
                traces.settle(tx, settlements, settled.settlements)
            self._keep_history(tx, request_log.add(tx, run.calls), attempts, run, now)
        if self.others and any(isinstance(each, Confirmed) and each.released for each in settled.settlements):
            other_syncs.take_up(self.store, (self.rules, *self.others))
        return settled.owing or any(isinstance(each, Confirmed) and each.more for each in settlements)

    def _keep_history(
        self, tx: Connection, calls: Sequence[str], attempts: Sequence[Attempt], run: Run, now: float
    ) -> None:
        """Keeps in the history who was in which of the requests, which are given by their ids."""
        if self.rules.keeps_history and attempts[0].claim.entity.kind == PERSON:
            parts = [*parts_of_calls.of_requests(calls, run.contents), *parts_of_calls.held_back(attempts)]
            history.add_sent(tx, self.rules.name, parts, now)


def _parts(attempt: Attempt) -> list[Part[Owner]]:
    return batches.encode(((attempt, index), operation) for index, operation in enumerate(attempt.step.operations))
