"""The door GET /metrics: Prometheus reads there what the store has counted, for all processes of the fleet together."""

import hmac
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from connector.alerts import freshness
from connector.alerts.freshness import Promise
from connector.broker import depth
from connector.customerio.credentials import fingerprint
from connector.delivery import outcomes
from connector.errors import ConnectorError, StoreError
from connector.model.problem import EVERY_SYNC
from connector.runtime import Runtime
from connector.settings.mistakes import variable
from connector.store import gauges, tallies
from connector.store.gauges import Gauges
from connector.web.answers import RETRY_SECONDS
from connector.web.auth import authorization
from connector.web.exposition import CONTENT_TYPE, Family, MetricSample, histogram, text

_KEPT_SECONDS = 5.0
"""The seconds for which an answer is given again, so that many readers cause no more work than one."""
MOST_NAMES = 100
"""So many names that are counted in one sync have a series of their own; the others are counted together."""
OTHER = "other"
_SKIPPED = ("skipped: ", "events skipped: ", "objects skipped: ")
_VARIABLE = variable(("web", "metrics_token"))


@dataclass(slots=True)
class Metrics:
    """The door for Prometheus. It has a token of its own: who reads metrics cannot send messages, nor the other way."""

    runtime: Runtime
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _said: str = ""
    _said_at: float = -_KEPT_SECONDS

    def router(self) -> APIRouter:
        """Returns a router with the route /metrics."""
        router = APIRouter()
        router.get("/metrics", response_class=Response, responses=_ANSWERS)(self.metrics)
        return router

    async def metrics(self, request: Request) -> Response:
        """Gives what is counted and measured, in Prometheus' text format. The bearer token is [web] metrics_token."""
        self._authorize(request)
        try:
            said = await run_in_threadpool(self._text)
        except StoreError as error:
            raise HTTPException(503, "the store does not answer", {"Retry-After": RETRY_SECONDS}) from error
        return Response(said, media_type=CONTENT_TYPE)

    def _authorize(self, request: Request) -> None:
        token = self.runtime.settings.web.metrics_token
        if token is None or not token.get_secret_value():
            raise HTTPException(503, f"this door is closed: no token is set ({_VARIABLE})")
        scheme, given = authorization(request)
        fits = hmac.compare_digest(given.encode(), token.get_secret_value().encode())
        if scheme != "bearer" or not fits:
            reason = "send the header 'Authorization: Bearer TOKEN', with the token of [web] metrics_token"
            raise HTTPException(401, reason, {"WWW-Authenticate": "Bearer"})

    def _text(self) -> str:
        with self._lock:
            if monotonic() - self._said_at >= _KEPT_SECONDS:
                self._said = text(self._families())
                self._said_at = monotonic()
            return self._said

    def _families(self) -> Iterator[Family]:
        settings, store = self.runtime.settings, self.runtime.store
        with store.reading(patient=True) as tx:
            found = gauges.read(tx, store.now(tx), settings.syncs, settings.connections)
            promised = freshness.promises(settings, tx, found.now)
        yield from of_syncs(found)
        yield from of_promises(promised)
        yield from of_counts(found)
        yield from of_connections(found, {name: fingerprint(each) for name, each in settings.connections.items()})
        yield from of_processes(found)
        if settings.broker.durable:
            yield from self._of_queues(found)

    def _of_queues(self, found: Gauges) -> Iterator[Family]:
        settings = self.runtime.settings
        try:
            waiting = depth.of_messages(settings.broker, settings.intake)
        except ConnectorError:
            waiting = {}
        yield from of_queues(waiting, found.queues_held)


def of_queues(waiting: Mapping[str, int], held: Collection[str]) -> Iterator[Family]:
    """Yields whether RabbitMQ answers, and for each of its queues how many messages wait and whether it is held.

    With nothing in `waiting`, as where RabbitMQ does not answer, no queue has a sample.
    """
    up = [MetricSample({}, int(bool(waiting)))]
    yield Family("connector_broker_up", "gauge", "Whether RabbitMQ answered and has our queues.", up)
    samples = [MetricSample({"queue": name}, count) for name, count in sorted(waiting.items())]
    yield Family("connector_queue_messages", "gauge", "Messages that wait in RabbitMQ.", samples)
    stand_still = [MetricSample({"queue": name}, int(name in held)) for name in sorted(waiting)]
    yield Family("connector_queue_held", "gauge", "1 while nothing can be taken in from the queue.", stand_still)


_ANSWERS: dict[int | str, dict[str, object]] = {
    200: {"description": "The metrics.", "content": {"text/plain": {}}},
    401: {"description": "No token is shown, or another one."},
    503: {"description": "The store does not answer, or no token is set."},
}
_OF_SYNCS = (
    ("people_due", "People who wait to be sent."),
    ("objects_due", "Objects that wait to be sent."),
    ("oldest_change_seconds", "How long whoever is due the longest waits, bulk loads aside."),
    ("events_owed", "Events that wait to be sent."),
    ("deletions_held", "Deletions that the guard holds until a human decides."),
    ("waiting_for_identifier", "People who wait for an identifier that another user has."),
)


def of_syncs(found: Gauges) -> Iterator[Family]:
    """Yields the gauges of each sync: what waits in it, and for how many seconds the oldest change has waited."""
    for place, (name, help_) in enumerate(_OF_SYNCS):
        samples = [MetricSample({"sync": sync}, values[place]) for sync, values in found.syncs.items()]
        yield Family(f"connector_{name}", "gauge", help_, samples)


def of_counts(found: Gauges) -> Iterator[Family]:
    """Yields the counters of messages and of each sync since the store was made, and the latency of deliveries."""
    messages = found.counts.get(EVERY_SYNC, {})
    unreadable = messages.get("unreadable", 0)
    read = [
        MetricSample({"result": "read"}, messages.get(tallies.MESSAGES, 0) - unreadable),
        MetricSample({"result": "unreadable"}, unreadable),
    ]
    yield Family("connector_messages_total", "counter", "Messages of upstream that were taken in.", read)
    ways = {sync: found.counts.get(tallies.way(sync), {}) for sync in found.syncs}
    for name, help_ in (
        ("due", "People whom a change made due, once for each batch of messages that did; objects are not counted."),
        (outcomes.DELIVERED, "People and objects that Customer.io then held as it should."),
        (outcomes.REFUSED, "People and objects of whom Customer.io refused something for good."),
    ):
        samples = [MetricSample({"sync": sync}, way.get(name, 0)) for sync, way in ways.items()]
        yield Family(f"connector_{name}_total", "counter", help_, samples)
    latency = [each for sync, way in ways.items() for each in _histogram({"sync": sync}, way)]
    yield Family("connector_delivery_seconds", "histogram", "From a live change to its confirmed delivery.", latency)
    skipped = [each for sync in found.syncs for each in _named(sync, "reason", _skipped(found.counts.get(sync, {})))]
    yield Family("connector_skipped_total", "counter", "What was left out, by reason.", skipped)
    effects = [each for sync in found.syncs for each in _named(sync, "effect", _effects(found.counts.get(sync, {})))]
    yield Family("connector_effects_total", "counter", "What became of people, objects and events.", effects)


def of_connections(found: Gauges, credentials: Mapping[str, str]) -> Iterator[Family]:
    """Yields the state of each connection to a workspace, and the outcomes and durations of the requests to it.

    `credentials` are the fingerprints of the credentials in the settings, by connection.
    """
    paused = {name: health.paused(found.now, credentials[name]) for name, health in found.connections.items()}
    yield Family(
        "connector_connection_paused", "gauge", "1 while nothing is sent to the workspace.",
        [MetricSample({"connection": name}, int(each)) for name, each in paused.items()],
    )  # fmt: skip
    yield Family(
        "connector_connection_needs_human", "gauge", "1 while its credentials are refused.",
        [MetricSample({"connection": name}, int(paused[name] and health.for_human))
         for name, health in found.connections.items()],
    )  # fmt: skip
    yield Family(
        "connector_connection_failing_seconds", "gauge", "How long no request has succeeded, 0 while they do.",
        [MetricSample({"connection": name}, 0.0 if health.since is None else max(found.now - health.since, 0.0))
         for name, health in found.connections.items()],
    )  # fmt: skip
    counts = {name: found.counts.get(tallies.requests(name), {}) for name in found.connections}
    made = [
        MetricSample({"connection": name, "verdict": verdict}, named.get(verdict, 0))
        for name, named in counts.items()
        for verdict in ("settled", "refused", "split", "paused")
    ]
    yield Family("connector_requests_total", "counter", "Requests to Customer.io, by what they came to.", made)
    took = [each for name, named in counts.items() for each in _histogram({"connection": name}, named)]
    yield Family("connector_request_seconds", "histogram", "How long a request to Customer.io took.", took)


def of_processes(found: Gauges) -> Iterator[Family]:
    """Yields how many processes of each role are alive, and how many problems of each kind need a human."""
    living = {"worker": 0, "beat": 0, "web": 0, "run": 0, "sweep": 0} | dict(found.processes)
    yield Family(
        "connector_processes", "gauge", "Processes that said within half a minute that they live.",
        [MetricSample({"role": role}, count) for role, count in sorted(living.items())],
    )  # fmt: skip
    yield Family(
        "connector_problems", "gauge", "Problems that need a human, by kind.",
        [MetricSample({"kind": kind}, count) for kind, count in sorted(found.problems.items())],
    )  # fmt: skip


def of_promises(found: Sequence[Promise]) -> Iterator[Family]:
    """Yields how many seconds each sync and segment is behind, and how many the settings promise at most."""
    labels = [{"sync": each.sync, "segment": each.segment} for each in found]
    behind = [MetricSample(named, each.seconds) for named, each in zip(labels, found, strict=True)]
    within = [
        MetricSample(named, each.within_seconds)
        for named, each in zip(labels, found, strict=True)
        if each.within_seconds
    ]
    yield Family(
        "connector_freshness_seconds", "gauge",
        'What came longer ago than this is in Customer.io; of a segment, or with segment "" of all of a sync.', behind,
    )  # fmt: skip
    yield Family("connector_freshness_promised_seconds", "gauge", "What the settings promise of it.", within)


def _histogram(labels: Mapping[str, str], counts: Mapping[str, int]) -> list[MetricSample]:
    ends = {end: counts.get(outcomes.bucket(end), 0) for end in outcomes.LATENCIES}
    seconds = counts.get(outcomes.MILLISECONDS, 0) / 1000
    return histogram(labels, ends, counts.get(outcomes.LONGER, 0), seconds)


def _skipped(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if name.startswith(_SKIPPED)}


def _effects(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if not name.startswith(_SKIPPED)}


def _named(sync: str, label: str, counts: Mapping[str, int]) -> Iterator[MetricSample]:
    """Yields a sample for each of the first 100 names, and one for the sum of the others."""
    names = sorted(counts)
    for name in names[:MOST_NAMES]:
        yield MetricSample({"sync": sync, label: name}, counts[name])
    if names[MOST_NAMES:]:
        yield MetricSample({"sync": sync, label: OTHER}, sum(counts[name] for name in names[MOST_NAMES:]))
