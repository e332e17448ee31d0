"""Records the traces that a claim's messages are in, once the claim is settled, so that sending waits for nothing.

A claim without a traced message gets no spans. The spans of a claim are part of the first trace that it carries,
and linked to the others; each of the others gets a span of its own, linked to the requests that carried it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import time

from sqlalchemy import Connection

from connector.customerio.request_log import Call
from connector.delivery.sender import CallContent, Run
from connector.model.entity import EntityKind
from connector.planning.attempt import Claim
from connector.planning.settlement import Answered, Confirmed, HeldBack, PartlyRefused, Settlement
from connector.store import trace_contexts
from connector.store.engine import Store
from connector.tracing.tracer import AttributeValue, OpenSpan, Tracer

Outcomes = Mapping[str, str]
"""The outcome of each person or object, by key."""


@dataclass(slots=True)
class TracedClaim:
    """A claim in which somebody's changes are traced.

    contexts: the traceparents of those whose changes are, by key. begun, planned: times in unix seconds. outcomes: what
    became of each, by key; {} until it is settled.
    """

    tracer: Tracer
    sync: str
    kind: EntityKind
    people: int
    contexts: Mapping[str, Sequence[str]]
    begun: float = field(default_factory=time)
    planned: float = 0.0
    outcomes: Outcomes = field(default_factory=dict)

    def plan(self) -> None:
        """Notes that all steps are planned by now."""
        self.planned = time()

    def settle(self, tx: Connection, settlements: Iterable[Settlement], answered: Iterable[Answered]) -> None:
        """Notes what became of each, and forgets the traces of those to whom nothing more is owed by this claim.

        Args:
            tx: The transaction that settles.
            settlements: What became of each.
            answered: Those that Customer.io has answered, and that the claim still held.
        """
        self.outcomes = {each.entity.key: _outcome(each) for each in settlements}
        over = [each.entity.key for each in answered if not (isinstance(each, Confirmed) and each.more)]
        told = {key: self.contexts[key] for key in over if key in self.contexts}
        trace_contexts.drop(tx, self.sync, self.kind, told)

    def tell(self, run: Run, failed: str = "") -> None:
        """Records the spans of the claim and its requests; `failed` is the kind of the error that ended it, if any."""
        traces = list(dict.fromkeys(each for contexts in self.contexts.values() for each in contexts))
        named: dict[str, AttributeValue] = {"connector.sync": self.sync, "connector.kind": self.kind}
        whole = self.tracer.begin(
            "deliver", traces[0], traces[1:], self.begun, {**named, "connector.people": self.people}
        )
        if self.planned:
            self.tracer.begin("plan", whole.context, at=self.begun, attributes=named).end(self.planned)
        carried = self._requests(run, whole, named)
        if self.outcomes:
            whole.event("settled", _counted(self.outcomes.values()))
        if failed:
            whole.fail(failed)
        whole.end()
        for trace in traces[1:]:
            self._tell_other(trace, carried.get(trace, ()), named)

    def _requests(self, run: Run, whole: OpenSpan, named: Mapping[str, AttributeValue]) -> dict[str, list[str]]:
        """Records a span for each request. Returns the spans of the requests that have carried each trace, by trace."""
        carried: dict[str, list[str]] = {}
        for call, content in zip(run.calls, run.contents, strict=True):
            traces = self._carried(content)
            span = self.tracer.begin("request", whole.context, traces, call.at, {**named, **_of_call(call)})
            span.end(call.at + call.milliseconds / 1000)
            for trace in traces:
                carried.setdefault(trace, []).append(span.context)
        return carried

    def _carried(self, content: CallContent) -> list[str]:
        keys = dict.fromkeys(owner[0].claim.entity.key for owner, _ in content.items)
        return list(dict.fromkeys(each for key in keys for each in self.contexts.get(key, ())))

    def _tell_other(self, trace: str, requests: Collection[str], named: Mapping[str, AttributeValue]) -> None:
        outcomes = [self.outcomes[key] for key, mine in self.contexts.items() if trace in mine and key in self.outcomes]
        span = self.tracer.begin("deliver", trace, filter(None, requests), self.begun, named)
        if outcomes:
            span.event("settled", _counted(outcomes))
        span.end()


@contextmanager
def telling(
    tracer: Tracer | None, store: Store, sync: str, claimed: Sequence[Claim], run: Run
) -> Iterator[TracedClaim | None]:
    """Records the spans of a claim that is delivered within the block.

    Args:
        tracer: What records spans; None where nothing does.
        store: Where it is kept which traces messages are in.
        sync: The name of the sync.
        claimed: The people or objects, at least one.
        run: What its requests have in common.

    Yields:
        The claim; None without a tracer, or if no message about these is traced.
    """
    traced = None if tracer is None else _of(tracer, store, sync, claimed)
    if traced is None:
        yield None
        return
    try:
        yield traced
    except BaseException as error:
        traced.tell(run, type(error).__name__)
        raise
    traced.tell(run)


def _of(tracer: Tracer, store: Store, sync: str, claimed: Sequence[Claim]) -> TracedClaim | None:
    kind = claimed[0].entity.kind
    with store.reading() as tx:
        contexts = trace_contexts.of(tx, sync, kind, [each.entity.key for each in claimed])
    return TracedClaim(tracer, sync, kind, len(claimed), contexts) if contexts else None


def _outcome(settlement: Settlement) -> str:
    match settlement:
        case Confirmed():
            return "confirmed"
        case PartlyRefused():
            return "refused"
        case HeldBack():
            return "held"
        case _:
            return "later"


def _counted(outcomes: Iterable[str]) -> dict[str, AttributeValue]:
    return {f"connector.{outcome}": count for outcome, count in sorted(Counter(outcomes).items())}


def _of_call(call: Call) -> dict[str, AttributeValue]:
    return {
        "connector.connection": call.connection,
        "connector.endpoint": call.endpoint,
        "connector.items": call.items,
        "connector.bytes": call.body_bytes,
        "connector.verdict": call.verdict,
        "http.response.status_code": call.status,
    }
