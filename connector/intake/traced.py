"""The traces that a batch's messages are in, while it is taken in: a span for each, and what delivery must know later.

Upstream's traceparent is taken over. Messages without one share a trace that begins here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from connector.model.change import Message, Unreadable
from connector.model.entity import EntityKind
from connector.store import trace_contexts
from connector.tracing.traceparent import NONE
from connector.tracing.tracer import AttributeValue, OpenSpan, Tracer

_NAME = "take in"


@dataclass(slots=True)
class TracedBatch:
    """The spans of a batch, by what upstream's messages brought; attributes: what is known of it when it is done."""

    spans: Mapping[str, OpenSpan]
    attributes: dict[str, AttributeValue] = field(default_factory=dict)

    def keep(self, tx: Connection, sync: str, kind: EntityKind, about: Iterable[tuple[str, str]], now: float) -> None:
        """Keeps for delivery the traces of those of whom something is due.

        Args:
            tx: The transaction that takes the batch in.
            sync: The name of the sync.
            kind: People or objects.
            about: Their keys, each with the traceparent that a message about them brought.
            now: The store's time, in unix seconds.
        """
        contexts = ((key, self.spans[brought].context) for key, brought in about)
        trace_contexts.keep(tx, sync, kind, [each for each in contexts if each[1]], now)

    def note(self, messages: int, unreadable: int, due: Iterable[str]) -> None:
        """Notes how many messages were read and how many not, and in which syncs somebody is due."""
        self.attributes = {
            "connector.batch.messages": messages,
            "connector.batch.unreadable": unreadable,
            "connector.batch.due": ",".join(sorted(due)),
        }

    def end(self, failed: str = "") -> None:
        """Ends the spans; `failed` is the kind of the error, if the batch could not be taken in."""
        for span in self.spans.values():
            span.note(self.attributes)
            if failed:
                span.fail(failed)
            span.end()


@dataclass(frozen=True, slots=True)
class Telling:
    """What records the traces of a batch.

    tracer: records spans, None where nothing does. door: the path of the HTTP door, or the queue. brought: the
    traceparent of each body, "" of one that brought none.
    """

    tracer: Tracer | None = None
    door: str = ""
    brought: Sequence[str] = ()

    def marked(self, read: list[list[Message]]) -> list[list[Message]]:
        """Returns what was read of each body, with the trace that brought it."""
        if self.tracer is None or not any(self.brought):
            return read
        return [_carrying(each, brought) for each, brought in zip(read, self.brought, strict=True)]

    @contextmanager
    def taking_in(self) -> Iterator[TracedBatch | None]:
        """Records the spans of a batch that is taken in within the block. Yields the batch, None without a tracer."""
        if self.tracer is None:
            yield None
            return
        batch = TracedBatch(_begun(self.tracer, self.door, list(dict.fromkeys(self.brought)) or [NONE]))
        try:
            yield batch
        except BaseException as error:
            batch.end(type(error).__name__)
            raise
        batch.end()


SILENT = Telling()


def _carrying(messages: Iterable[Message], brought: str) -> list[Message]:
    return [each if isinstance(each, Unreadable) else replace(each, trace=brought) for each in messages]


def _begun(tracer: Tracer, door: str, brought: Sequence[str]) -> dict[str, OpenSpan]:
    """Begins a span for each trace: the first has links to the others' traces, and theirs to its own."""
    attributes: dict[str, AttributeValue] = {"connector.door": door, "connector.batch.traces": len(brought)}
    spans: dict[str, OpenSpan] = {}
    for parent in brought:
        others = brought[:1] if spans else brought[1:]
        spans[parent] = tracer.begin(_NAME, parent, [each for each in others if each], attributes=attributes)
    return spans
