"""Reads one queue while this reader has the queue's lease and nobody else consumes the queue any more."""

import os
import threading
from collections.abc import Callable, Sequence
from time import monotonic

import structlog

from connector.broker import connecting, declaring, refusals
from connector.broker.connecting import BrokerAddress
from connector.broker.consumer import Consumer
from connector.broker.declaring import ArgumentDifference
from tasks.reader.message_buffer import MessageBuffer
from tasks.reader.queue_leases import QueueLeases

log = structlog.get_logger(__name__)
_IDLE_SECONDS = 0.2
_TICK_SECONDS = 1.0
_ALONE_SECONDS = 0.3
_SAY_SECONDS = 60.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 15.0
_MOST_PREFETCHED = 2_000
_OLDER_SECONDS = 60.0
_FORMER_SECONDS = 30.0
"""How long a queue waits for former ones in which no fewer messages wait than before: somebody may still publish there
all the time, or nobody may read them."""


class Reading:
    """Reads one queue, in one thread."""

    def __init__(
        self,
        broker: BrokerAddress,
        queues: Sequence[str],
        buffer: MessageBuffer,
        leases: QueueLeases,
        batch: int,
        older: Sequence[str] = (),
        former: Sequence[str] = (),
    ) -> None:
        """Starts nothing yet; `run` does.

        Args:
            broker: where the queue is.
            queues: the names of the queue, and of those that must exist beside it.
            buffer: where the queue's messages go.
            leases: knows whether this reader has the queue's lease.
            batch: how many messages are taken in at once.
            older: queues in which the previous version has left messages that are older than those of this queue.
            former: queues of its kind that upstream published to before; it may be one of them.
        """
        self._broker = broker
        self._queues = queues
        self._buffer = buffer
        self._leases = leases
        self._prefetch = min(batch * 2, _MOST_PREFETCHED)
        self._older = older
        self._is_former = buffer.queue in former
        self._former = () if self._is_former else former
        self._arrived_at = 0.0
        self._attempt = 0
        self._pause = _FIRST_PAUSE_SECONDS
        self._said: tuple[str, float] = ("", 0.0)
        self._differences: tuple[ArgumentDifference, ...] = ()

    def run(self, stop: threading.Event) -> None:
        """Reads the queue whenever this reader has the queue's lease, until `stop` is set."""
        while not stop.is_set():
            holder = self._leases.lease_of(self._buffer.queue)
            if holder is None or self._buffer.shut or self._leases.out_of_reach():
                self._leases.leave_unread(self._buffer.queue)
                stop.wait(_IDLE_SECONDS)
                continue
            try:
                self._read(holder, stop)
            except connecting.UNREACHABLE as error:
                self._attempt += 1
                self._say(refusals.advice(error, self._broker, self._buffer.queue))
                stop.wait(self._pause)
                self._pause = min(self._pause * 2, _LONGEST_PAUSE_SECONDS)

    def _read(self, holder: str, stop: threading.Event) -> None:
        consumer = Consumer(self._broker, self._queues, self._attempt)
        try:
            self._say_differences(consumer)
            if self._until_alone(consumer, holder, stop) and self._until_to_read(consumer, holder, stop):
                consumer.consume(self._prefetch)
                self._buffer.begin(holder)
                log.info("reading", queue=self._buffer.queue)
                self._pump(consumer, holder, stop)
        except BaseException:
            consumer.drop()
            raise
        else:
            consumer.close()
        finally:
            self._buffer.end()
            self._leases.leave(self._buffer.queue, holder)

    def _say_differences(self, consumer: Consumer) -> None:
        """Says once what this queue has otherwise than it is declared."""
        found = consumer.differences[self._buffer.queue]
        if found and found != self._differences:
            log.warning(declaring.told(self._buffer.queue, found))
        self._differences = found

    def _wanted(self, holder: str, stop: threading.Event) -> bool:
        return not stop.is_set() and self._leases.lease_of(self._buffer.queue) == holder

    # --- the hand-over ---

    def _until_alone(self, consumer: Consumer, holder: str, stop: threading.Event) -> bool:
        """Waits until nobody else consumes the queue: whatever others held is back in the queue then, in order."""
        name = self._buffer.queue
        while self._wanted(holder, stop) and not self._leases.out_of_reach():
            others = consumer.consumers()
            if not others:
                return self._until_older_are_done(consumer, holder, stop)
            self._say(f"{others} consumer(s) beside the readers read the queue {name}: it is read once they have ended")
            self._rest(consumer, stop)
        return False

    def _until_older_are_done(self, consumer: Consumer, holder: str, stop: threading.Event) -> bool:
        """Waits until the older queues are empty, but not for ever: somebody may publish to them all the time.

        The former ones may take longer, as long as fewer and fewer messages wait in them.
        """
        end = monotonic() + _OLDER_SECONDS
        while self._wanted(holder, stop) and monotonic() < end and any(map(consumer.waiting, self._older)):
            self._rest(consumer, stop)
        self._until_former_are_drained(consumer, holder, stop)
        return self._wanted(holder, stop)

    def _until_former_are_drained(self, consumer: Consumer, holder: str, stop: threading.Event) -> None:
        """Waits until nobody has a message of a former queue any more: each is read only as long as it holds some."""
        least, end = sum(map(consumer.waiting, self._former)), monotonic() + _FORMER_SECONDS
        while self._wanted(holder, stop) and monotonic() < end:
            left = [name for name in self._former if not consumer.is_drained(name)]
            if not left:
                return
            self._say(f"{self._buffer.queue} is read once what came before it is taken in: {', '.join(left)}")
            self._rest(consumer, stop)
            waiting = sum(map(consumer.waiting, left))
            if waiting < least:
                least, end = waiting, monotonic() + _FORMER_SECONDS

    def _until_to_read(self, consumer: Consumer, holder: str, stop: threading.Event) -> bool:
        """Waits until messages wait in a former queue. Any other is read at once, so that nobody waits for that."""
        while self._is_former and self._wanted(holder, stop) and not consumer.waiting(self._buffer.queue):
            self._rest(consumer, stop)
        return self._wanted(holder, stop)

    def _rest(self, consumer: Consumer, stop: threading.Event) -> None:
        stop.wait(_ALONE_SECONDS)
        consumer.keep_alive(reading=True)

    # --- messages in, acknowledgements out ---

    def _pump(self, consumer: Consumer, holder: str, stop: threading.Event) -> None:
        buffer = self._buffer
        self._arrived_at = monotonic()
        while self._wanted(holder, stop) and not self._is_drained():
            if buffer.given_up or self._leases.out_of_reach():
                log.warning("what was delivered goes back to the queue", queue=buffer.queue)
                return
            self._turn(consumer)
        self._finish(consumer)

    def _is_drained(self) -> bool:
        """Says whether a former queue seems to have no more messages: then it is left until some wait in it again."""
        quiet = monotonic() - self._arrived_at > _TICK_SECONDS
        return self._is_former and quiet and self._buffer.empty()

    def _finish(self, consumer: Consumer) -> None:
        """Finishes what has arrived, and reads no more. RabbitMQ requeues the rest when the channel is closed.

        The consumer is not cancelled before: RabbitMQ 3.10 gives back what a cancelled consumer holds in any order.
        """
        buffer = self._buffer
        end = monotonic() + _OLDER_SECONDS
        while not buffer.empty() and not buffer.given_up and monotonic() < end:
            consumer.wait(buffer.wake, _TICK_SECONDS, reading=False)
            self._acknowledge(consumer)
            consumer.keep_alive(reading=False)
        self._acknowledge(consumer)

    def _turn(self, consumer: Consumer) -> None:
        buffer = self._buffer
        reading = not buffer.full()
        if consumer.wait(buffer.wake, _TICK_SECONDS, reading=reading):
            deliveries = consumer.receive()
            if deliveries:
                self._arrived_at = monotonic()
                buffer.put(deliveries)
                self._pause, self._said = _FIRST_PAUSE_SECONDS, ("", 0.0)
        self._acknowledge(consumer)
        consumer.keep_alive(reading=reading)

    def _acknowledge(self, consumer: Consumer) -> None:
        done = self._buffer.take_done()
        for delivery in done.dead_letters:
            consumer.dead_letter(delivery)
        if done.tag:
            consumer.acknowledge(done.tag)

    def _say(self, words: str) -> None:
        if self._said[0] != words or monotonic() - self._said[1] > _SAY_SECONDS:
            self._said = (words, monotonic())
            log.warning(words, queue=self._buffer.queue)


def thread(run: Callable[[threading.Event], None], name: str, stop: threading.Event) -> threading.Thread:
    """Starts a thread that runs until `stop` is set. If it fails, the process ends, and its worker starts another."""
    started = threading.Thread(target=_guarded, args=(run, stop), name=name, daemon=True)
    started.start()
    return started


def _guarded(run: Callable[[threading.Event], None], stop: threading.Event) -> None:
    try:
        run(stop)
    except BaseException:
        log.exception("the reader fails: it ends, and is started again")
        os._exit(1)
