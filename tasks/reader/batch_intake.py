"""Takes batches of messages into the store, one at a time and in order.

Each batch is what arrived while the one before was committed.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from time import monotonic
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from connector.broker import envelope, properties
from connector.broker.envelope import Body
from connector.broker.frames import Delivery
from connector.delivery.direct import Direct
from connector.errors import StoreError
from connector.intake import bodies
from connector.intake.traced import SILENT, Telling
from connector.model.change import Unreadable
from connector.runtime import Runtime
from connector.store.data_errors import blames_the_data
from connector.tracing import traceparent
from tasks.reader import known_good_messages, redeliveries
from tasks.reader.batch_isolation import BatchIsolation, HeldError, told
from tasks.reader.bell import Bell
from tasks.reader.held_queue import Hold
from tasks.reader.message_buffer import MessageBuffer
from tasks.reader.queue_leases import LostLeaseError, QueueLeases
from tasks.reader.redeliveries import Redeliveries

log = structlog.get_logger(__name__)
_MOST_BACKFILL_BATCH = 200
"""How many messages of a bulk load a batch holds at most: live messages wait for one such batch and no longer."""
_LOOK_SECONDS = 0.5
_LEAVE_SENDING_FROM = 100
"""A batch this large is left to the pool's processes to send: in one process the two threads that take in and send
would slow each other by more than the saved claim is worth."""
_ALL_SEND_SECONDS = 0.01
"""How long a batch waits for others while every thread sends: it cannot be sent sooner, and one batch of three costs
little more than one of one."""


class QueuedItem(NamedTuple):
    """A body, and the message that contained it.

    last: whether it is the last body of its message. brought: the traceparent of the message, "" if it brought none.
    """

    delivery: Delivery
    body: Body
    last: bool
    brought: str = traceparent.NONE


@dataclass(slots=True)
class Work:
    """The part of one queue's batch that is not taken in yet."""

    buffer: MessageBuffer
    session: int
    holder: str
    items: list[QueuedItem] = field(default_factory=list)
    to_dead_letter: dict[int, Delivery] = field(default_factory=dict)
    """By tag, the messages of which the store has only a part, as a problem: RabbitMQ is to keep them whole."""

    def leave_whole(self, deliveries: Iterable[Delivery]) -> None:
        """Notes messages that are to be dead letters."""
        self.to_dead_letter |= {each.tag: each for each in deliveries}


class BatchIntake:
    """Takes in for all queues of this reader, in one thread."""

    def __init__(
        self, runtime: Runtime, buffers: Sequence[MessageBuffer], leases: QueueLeases, bell: Bell, direct: Direct
    ) -> None:
        """Starts nothing yet; `run` does.

        Args:
            runtime: what the process has open.
            buffers: what was delivered of each queue of this reader.
            leases: knows which leases this reader has.
            bell: tells the workers that people are due.
            direct: sends small batches from memory.
        """
        self._runtime = runtime
        self._buffers = buffers
        self._leases = leases
        self._bell = bell
        self._direct = direct
        self._tracer = runtime.tracer
        self._work: dict[str, Work] = {}
        self._holds = {buffer.queue: Hold(runtime.store, buffer.queue) for buffer in buffers}
        self._redeliveries = {
            buffer.queue: Redeliveries(runtime.store, runtime.settings.intake.batch_messages) for buffer in buffers
        }
        self._isolations = {buffer.queue: self._isolation(buffer) for buffer in buffers}
        self._current = Work(buffers[0], 0, "")
        self._turn = 0
        self.last_step = monotonic()

    def run(self, stop: threading.Event) -> None:
        """Takes in until `stop` is set."""
        while not stop.is_set():
            self.last_step = monotonic()
            if not self.step():
                self._wait()

    def _wait(self) -> None:
        arrived = self._buffers[0].arrived
        with arrived:
            if self._next_buffer() is None:
                arrived.wait(_LOOK_SECONDS)

    def step(self) -> bool:
        """Takes one batch in, if there is one. Returns whether there was one."""
        buffer = self._next_buffer()
        if buffer is None:
            return False
        if buffer.shut:
            self._try_known_good(buffer)
            return True
        if buffer.queue not in self._work:
            self._let_more_arrive(buffer)
        work = self._work.pop(buffer.queue, None) or self._next_work(buffer)
        if work.session == buffer.session:
            self._take(buffer, work)
        else:  # the lease changed hands: RabbitMQ delivers it again to the new holder
            buffer.finished()
        return True

    def _next_buffer(self) -> MessageBuffer | None:
        """Returns the buffer whose turn it is, live queues before bulk loads, or None if none has work."""
        count = len(self._buffers)
        in_turn = [self._buffers[(self._turn + place) % count] for place in range(count)]
        ready = [buffer for buffer in in_turn if self._ready(buffer)]
        return min(ready, key=lambda buffer: buffer.door.backfill, default=None)

    def _ready(self, buffer: MessageBuffer) -> bool:
        something = buffer.shut or buffer.queue in self._work or buffer.has_more()
        return something and not self._holds[buffer.queue].pausing()

    def _let_more_arrive(self, buffer: MessageBuffer) -> None:
        """Waits a moment while all threads send, unless so much has arrived that they do not send it anyway."""
        if not buffer.door.backfill and buffer.waiting() < _LEAVE_SENDING_FROM:
            self._direct.wait_until_free(_ALL_SEND_SECONDS)

    def _try_known_good(self, buffer: MessageBuffer) -> None:
        """Asks for nothing from a queue that was held too long until a known-good message can be taken in."""
        try:
            known_good_messages.probe(self._runtime, buffer.door.format)
        except Exception as error:  # noqa: BLE001 - whatever it is: the queue waits on
            self._holds[buffer.queue].begin(told(error), 0)
        else:
            self._work.pop(buffer.queue, None)
            self._holds[buffer.queue].end(buffer.session)
            buffer.open()

    def _next_work(self, buffer: MessageBuffer) -> Work:
        self._turn = self._buffers.index(buffer) + 1
        intake = self._runtime.settings.intake
        first = buffer.first()
        most = self._redeliveries[buffer.queue].limit(redeliveries.deliveries(first) if first else 0)
        if buffer.door.backfill:
            most = min(most, _MOST_BACKFILL_BATCH)
        session, holder, batch = buffer.next_batch(most, intake.batch_bytes)
        return Work(buffer, session, holder, [item for delivery in batch for item in _items(buffer, delivery)])

    def _take(self, buffer: MessageBuffer, work: Work) -> None:
        """Takes a batch in. If the store cannot take it, the rest of the batch waits for its queue's next turn."""
        hold, self._current = self._holds[buffer.queue], work
        try:
            for run in list(_runs(work.items)):
                self._take_run(work, run)
        except (HeldError, StoreError) as error:
            hold.begin(str(error), len(work.items))
            self._work[buffer.queue] = work
            if hold.too_long():
                buffer.give_up(work.session, shut=True)
        except LostLeaseError:
            self._leases.lose(buffer.queue, work.holder)
            buffer.give_up(work.session)
            buffer.finished()
        else:
            hold.end(work.session)
            buffer.finished()

    def _take_run(self, work: Work, run: Sequence[QueuedItem]) -> None:
        watched = self._redeliveries[work.buffer.queue]
        with watched.watching(run) as given_up:
            if given_up is None:
                self._isolations[work.buffer.queue].take(run, lambda count: self._committed(work, count))
            else:
                log.error("a message that ends readers is not taken in: it stays a problem", queue=work.buffer.queue,
                          problem=given_up)  # fmt: skip
                self._committed(work, len(run))
        watched.went_well()

    def _committed(self, work: Work, count: int) -> None:
        """Notes that the store has the next `count` items of the batch."""
        done, work.items = work.items[:count], work.items[count:]
        whole = [item.delivery.tag for item in done if item.last]
        if whole:
            dead_letters = [work.to_dead_letter.pop(tag) for tag in sorted(work.to_dead_letter) if tag <= whole[-1]]
            work.buffer.done(work.session, whole[-1], tuple(dead_letters))

    def _isolation(self, buffer: MessageBuffer) -> BatchIsolation[QueuedItem]:
        return BatchIsolation(
            take=self._commit,
            probe=lambda: known_good_messages.probe(self._runtime, buffer.door.format),
            set_aside=self._set_aside,
        )

    def _commit(self, items: Sequence[QueuedItem]) -> None:
        """Takes items in by one transaction, which also checks that this reader still has the queue's lease."""
        runtime, run = self._runtime, [item.body for item in items]
        work = self._current

        def check(tx: Connection) -> None:
            self._leases.fence(work.buffer.queue, work.holder, tx)

        limit = runtime.settings.intake.max_message_bytes
        values = [body.value for body in run]
        at, first = monotonic(), run[0]
        by_the_pool = first.backfill or len(run) >= _LEAVE_SENDING_FROM
        leasing = None if by_the_pool else self._direct.leasing()
        taken = bodies.take(
            runtime.store, runtime.syncs, first.format, values, limit,
            backfill=first.backfill, check=check, leasing=leasing, telling=self._telling(items),
        )  # fmt: skip
        self._direct.send(taken.leased, at)
        self._bell.ring(taken.due if by_the_pool else self._direct.look(taken.due))
        work.leave_whole(items[place].delivery for place in taken.unkept)
        work.leave_whole(item.delivery for item in items if _is_cut(item))

    def _telling(self, items: Sequence[QueuedItem]) -> Telling:
        if self._tracer is None:
            return SILENT
        return Telling(self._tracer, self._current.buffer.queue, [item.brought for item in items])

    def _set_aside(self, item: QueuedItem, error: Exception) -> None:
        log.error(
            "a message cannot be taken in: it is a problem now", queue=self._current.buffer.queue, reason=told(error)
        )
        value = item.body.value
        shown = value.decode(errors="replace") if isinstance(value, bytes) else value
        reason = f"taking it in failed, and its neighbours went on: {told(error)}"
        try:
            self._commit([item._replace(body=item.body._replace(value=Unreadable(reason, shown)))])
        except StoreError as again:
            if not blames_the_data(again):
                raise
            self._leave_to_dead_letters(item, again)
        except LostLeaseError:
            raise
        except Exception as again:  # noqa: BLE001 - a known-good message went through: it is this one that cannot be kept
            self._leave_to_dead_letters(item, again)

    def _leave_to_dead_letters(self, item: QueuedItem, error: Exception) -> None:
        """Notes a message that cannot even be stored as a problem: it becomes a dead letter."""
        log.error("a message cannot be kept as a problem either: it is a dead letter now", reason=told(error))
        self._current.leave_whole([item.delivery])


def _is_cut(item: QueuedItem) -> bool:
    """Says whether the message became a problem that holds only its beginning: then all of it is a dead letter."""
    return isinstance(item.body.value, Unreadable) and len(item.delivery.body) > envelope.SHOWN_CHARACTERS


def _items(buffer: MessageBuffer, delivery: Delivery) -> Iterator[QueuedItem]:
    decoded = properties.decode(delivery.properties)
    brought = traceparent.of_headers(decoded.headers)
    found = buffer.door.bodies(decoded, delivery.body)
    if not found:  # a task without messages: there is nothing to do, but to acknowledge it
        found = [Body(buffer.door.format, [], buffer.door.backfill)]
    for place, body in enumerate(found, 1):
        yield QueuedItem(delivery, body, place == len(found), brought)


def _runs(items: Sequence[QueuedItem]) -> Iterator[list[QueuedItem]]:
    """Yields neighbours that share a format and are all live or all backfill."""
    for _, run in groupby(items, key=lambda item: (item.body.format, item.body.backfill)):
        yield list(run)
