"""Sends requests to one workspace. All workers share its turns and its pauses.

This is the one loop that sends: what is due (`courier`) and what a human asks for (`direct_request`) go through
`Sender.send_all`, which packs, splits what Customer.io refuses whole, pauses, and keeps the log.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from random import random, sample
from typing import Any, NamedTuple, Protocol

import structlog

from connector.customerio import backoff, batches, region, responses
from connector.customerio.batches import Part, Request
from connector.customerio.operations.operation import Operation
from connector.customerio.request_log import Call, Exchange, KeptBodies, call_of
from connector.customerio.responses import ItemResult, Pause, Rejected, ResponseAction, Retry, Settle
from connector.customerio.track import Track
from connector.delivery import circuit
from connector.delivery.isolation import Isolation, Owner, Sent
from connector.settings.sections import DeliverySettings
from connector.store import connection_health
from connector.store.engine import Store

__all__ = ["Owner", "Run", "Sender", "SendingRight", "Sent", "Until"]

log = structlog.get_logger(__name__)
_REFUSING = Retry("the manual segment refuses everybody", doubt=False)
_NOT_IN_TIME = "its turn on the line did not come in time"
_PAUSED_MEANWHILE = "the connection is paused"
_FEW_WAIT_SECONDS = 15.0
"""The longest pause, in seconds, while few are due: those who fail among them must not hold up those who come next."""
SEARCHES_PER_SECOND = 4.0
"""The most requests a second that only search for the person at fault, of all workers of a connection together."""
_SEARCH_PATIENCE_SECONDS = 5.0
_SEARCH_TIMEOUT_DIVISOR = 4
"""Search requests get a quarter of the usual timeout, so that the person who causes silence is found soon."""


class SendingRight(Protocol):
    """The right to send, and until when it holds."""

    @property
    def until(self) -> float:
        """The time until which requests may begin, in seconds of the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Until:
    """A right to send until a fixed time, in seconds of the monotonic clock."""

    until: float


class CallContent(NamedTuple):
    """The content of a request: the owner and the operation of each item, and what the reply means."""

    items: Sequence[tuple[Any, Operation]]
    action: ResponseAction


@dataclass(slots=True)
class Run:
    """What the requests that are sent one after another under one claim have in common.

    sync: the sync, for the log of requests. failures: how many failures in a row the connection had before. leased:
    until when requests may begin. backlog: whether many people wait, so that the connection returns to full speed in
    steps. first_turn: when the first request may go, in seconds of the monotonic clock; None once it has gone. bodies:
    which requests keep their bodies in the log. private: Customer.io's words are not logged, since they may name the
    person. calls: the requests so far, for the log; contents: what was in each of them. accepting: manual segments that
    were found to accept people. refusing: manual segments that were found to refuse everybody. failing: manual segments
    whose requests get no answer, with the reason. alone: the requests are for somebody who is known to fail, so a
    failure does not pause the connection. stopped: why sending has ended; "" while it goes on.
    """

    sync: str
    failures: int
    leased: SendingRight
    backlog: bool = True
    first_turn: float | None = None
    bodies: KeptBodies = "none"
    private: bool = False
    calls: list[Call] = field(default_factory=list)
    contents: list[CallContent] = field(default_factory=list)
    accepting: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)
    failing: dict[str, str] = field(default_factory=dict)
    alone: bool = False
    stopped: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """The connection `name`, as one process uses it. Threads may share it."""

    name: str
    store: Store
    track: Track
    limits: DeliverySettings
    requests_per_second: float
    sleep: Callable[[float], None] = time.sleep

    def seconds_apart(self, failures: int) -> float:
        """Returns the seconds between two requests of all workers together, after `failures` failures in a row."""
        return backoff.seconds_apart(self.requests_per_second, failures)

    def send_all(self, parts: Sequence[Part[Owner]], run: Run) -> list[Sent[Owner]]:
        """Sends the parts in as few requests as the limits allow. If one fails, finds who is at fault.

        Args:
            parts: encoded operations, each with its owner.
            run: what the requests of one claim share; its calls, segments and `stopped` are brought up to date.

        Returns:
            What became of each part of which something is known. The other parts were not sent.
        """
        fitting, oversize = batches.fitting(parts)
        sent = [Sent(part, _oversize(part), None) for part in oversize]
        for segment, requests in groupby(batches.pack(fitting), key=attrgetter("segment")):
            if run.stopped:
                break
            sent += self._send_to(segment, list(requests), run)
        return sent

    def probe(self) -> None:
        """Asks, once a minute while credentials are refused, whether Customer.io accepts them by now."""
        if circuit.may_probe(self.store, self.name, self.track.credentials):
            found = region.read(self.track.region())
            if isinstance(found, region.Workspace):
                circuit.reopen(self.store, self.name)
            else:
                log.warning("credentials still refused", connection=self.name, reason=found.reason)

    def _send_to(self, segment: str, requests: list[Request[Owner]], run: Run) -> list[Sent[Owner]]:
        """Sends requests that are about the same manual segment, or about none ("")."""
        isolation = Isolation(requests, sample)
        while not run.stopped:
            extra = isolation.is_extra
            if extra and not self._may_search(run):
                isolation.give_up()
            request = isolation.next_request()
            if request is None:
                break
            action, exchange = self._send_checking_segment(request, run, extra=extra)
            if action is not None:
                isolation.take(request, action, exchange)
        sent = isolation.finish(blame=run.alone)
        if isolation.outage is not None:
            self._outage(isolation.outage, segment, run)
        return sent

    def _outage(self, why: Pause, segment: str, run: Run) -> None:
        """Pauses the connection. If only a manual segment fails, that segment alone is set aside."""
        if why.cause != "service" and segment:
            run.failing[segment] = why.reason
        elif why.cause == "service" or not run.alone:
            most = self.limits.backoff_max_seconds if run.backlog else _FEW_WAIT_SECONDS
            circuit.pause(self.store, self.name, self.track.credentials, why, self.limits, random(), most)
            run.stopped = why.reason

    def _may_search(self, run: Run) -> bool:
        """Takes a turn for a request that only searches for who is at fault. Returns False if the wait is too long."""
        with self.store.writing(may_be_lost=True) as tx:
            now = self.store.now(tx)
            if connection_health.usable(tx, self.name, self.track.credentials, now) is None:
                run.stopped = _PAUSED_MEANWHILE
                return False
            wait = connection_health.take_turn(tx, f"search:{self.name}", 1 / SEARCHES_PER_SECOND, now)
        if wait <= _SEARCH_PATIENCE_SECONDS:
            self.sleep(wait)
        return wait <= _SEARCH_PATIENCE_SECONDS

    def _send_checking_segment(
        self, request: Request[Any], run: Run, *, extra: bool
    ) -> tuple[ResponseAction | None, Exchange | None]:
        """Sends a request. If a manual segment refuses somebody, a probe asks first whether it refuses everybody."""
        if request.segment in run.refusing:
            return Settle((_REFUSING,) * len(request.parts)), None
        exchange = self._send(request, run, extra=extra)
        if exchange is None:
            return None, None
        action = exchange.action
        if not request.segment or request.segment in run.accepting or not responses.refuses(action):
            return action, exchange
        return self._judge_by_probe(request, exchange, run), exchange

    def _judge_by_probe(self, request: Request[Any], refused: Exchange, run: Run) -> ResponseAction | None:
        probe = self._send(batches.probe(request), run)
        if probe is None or isinstance(probe.action, Pause):
            return None if probe is None else probe.action
        if responses.refuses(probe.action):
            run.refusing.add(request.segment)
            return Settle((_REFUSING,) * len(request.parts))
        run.accepting.add(request.segment)
        return refused.action

    def _send(self, request: Request[Any], run: Run, *, extra: bool = False) -> Exchange | None:
        """Sends a request when its turn has come, and logs it. Returns None if the leases are too old by then."""
        turn, run.first_turn = run.first_turn, None
        self._wait_for(self._own_turn(run.failures) if turn is None else turn)
        if time.monotonic() > run.leased.until:  # the wait was long, or the machine stood still
            run.stopped = _NOT_IN_TIME
            return None
        exchange = self._exchange(request, self.limits.timeout_seconds / (_SEARCH_TIMEOUT_DIVISOR if extra else 1))
        self._log(exchange, run)
        run.contents.append(CallContent([part[:2] for part in request.parts if not request.probes], exchange.action))
        if run.failures and not isinstance(exchange.action, Pause):
            circuit.recover(self.store, self.name, self.track.credentials, backlog=run.backlog)
        return exchange

    def _exchange(self, request: Request[Any], seconds: float) -> Exchange:
        body = request.body
        at, started = time.time(), time.monotonic()
        reply = self.track.send(request.endpoint, body, seconds)
        milliseconds = round((time.monotonic() - started) * 1000)
        items = len(request.parts)
        action = responses.read(reply, request.endpoint, items)
        return Exchange(request.endpoint, items, body, reply, action, at, milliseconds)

    def _log(self, exchange: Exchange, run: Run) -> None:
        call = call_of(self.name, run.sync, exchange, run.bodies, private=run.private)
        run.calls.append(call)
        log.info(
            "request sent",
            sync=run.sync,
            endpoint=exchange.endpoint,
            items=exchange.items,
            bytes=len(exchange.body),
            status=exchange.reply.status,
            milliseconds=exchange.milliseconds,
            verdict=call.verdict,
        )

    def _own_turn(self, failures: int) -> float:
        with self.store.writing(may_be_lost=True) as tx:
            now = self.store.now(tx)
            return time.monotonic() + connection_health.take_turn(tx, self.name, self.seconds_apart(failures), now)

    def _wait_for(self, turn: float) -> None:
        wait = turn - time.monotonic()
        if wait > 0:
            self.sleep(wait)


def _oversize(part: Part[Any]) -> ItemResult:
    return Rejected(f"the operation has {len(part.encoded)} bytes, more than Customer.io takes")
