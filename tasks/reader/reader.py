"""Runs the reader: its queues and its threads, from their start to their end."""

import threading
from time import monotonic

from connector.broker import queues
from connector.broker.connecting import BrokerAddress
from connector.broker.envelope import Door
from connector.delivery.direct import Direct
from connector.errors import StoreError
from connector.runtime import Runtime
from connector.settings.sections import IntakeSettings
from tasks.reader.batch_intake import BatchIntake
from tasks.reader.bell import Bell
from tasks.reader.dead_letter_watch import DeadLetterWatch
from tasks.reader.message_buffer import MessageBuffer
from tasks.reader.queue_leases import QueueLeases, keep_looking
from tasks.reader.queue_thread import Reading, thread
from tasks.reader.queue_watch import QueueWatch
from tasks.reader.unnamed_queues import UnnamedQueues
from tasks.reader.unread_queues import UnreadQueues

_BETWEEN_SECONDS = 0.5
_SENDING_THREADS = 4
"""How many threads send for the people that the reader has leased while it took their changes in.

With two, of 200 changes a second one waits half a request for a thread; with eight, requests are too small.
"""


class Reader:
    """Reads its share of the intake queues in order, takes in, acknowledges, and rings."""

    def __init__(self, runtime: Runtime, name: str, dead: str = "") -> None:
        """Reads nothing yet.

        Args:
            runtime: What the process has open.
            name: This reader's name, which no other has.
            dead: The name of the reader before it, which is known to have died.
        """
        intake, broker = runtime.settings.intake, runtime.settings.broker
        doors = _doors(intake)
        arrived = threading.Condition()
        self._store = runtime.store
        self._dead = dead
        self._leases = QueueLeases(runtime.store, name, _groups(intake))
        self._buffers = [MessageBuffer(queue, door, arrived) for queue, door in doors.items()]
        self._bell = Bell(runtime)
        self._dead_letters = DeadLetterWatch(runtime.store, broker)
        self._queue_watch = QueueWatch(runtime.store, broker, queues.names(intake))
        self._unnamed = UnnamedQueues(runtime.store, queues.names(intake))
        self._unread = UnreadQueues(runtime.store, broker, intake)
        self._direct = Direct({rules.name: runtime.courier(rules.name) for rules in runtime.syncs}, _SENDING_THREADS)
        self._intake = BatchIntake(runtime, self._buffers, self._leases, self._bell, self._direct)
        self._readings = [_reading(broker, buffer, self._leases, intake) for buffer in self._buffers]
        self._stop, self._stop_taking = threading.Event(), threading.Event()
        self._reading: list[threading.Thread] = []
        self._others: list[threading.Thread] = []

    def start(self) -> None:
        """Starts the threads."""
        self._others = [
            thread(self._look, "leases", self._stop_taking),
            thread(self._intake.run, "taking in", self._stop_taking),
            thread(self._bell.run, "doorbell", self._stop_taking),
            thread(self._watch_queues, "queues", self._stop_taking),
            *(thread(self._send, f"sending {number}", self._stop_taking) for number in range(1, _SENDING_THREADS + 1)),
        ]
        self._reading = [
            thread(reading.run, f"queue {buffer.queue}", self._stop)
            for reading, buffer in zip(self._readings, self._buffers, strict=True)
        ]

    def _send(self, stop: threading.Event) -> None:
        self._direct.work(stop.is_set)

    def _watch_queues(self, stop: threading.Event) -> None:
        """Looks how the queues are. One reader of the fleet is enough: the one that reads the first queue."""
        while not stop.wait(_BETWEEN_SECONDS):
            if self._leases.lease_of(self._buffers[0].queue):
                self._dead_letters.look()
                self._queue_watch.look()
                self._unnamed.look()
                self._unread.look()

    def _look(self, stop: threading.Event) -> None:
        if self._dead:
            self._free_shares_of_dead(stop)
        keep_looking(self._leases, stop)

    def _free_shares_of_dead(self, stop: threading.Event) -> None:
        """Frees the queues of the reader that died before this one, instead of waiting until its leases run out."""
        while not stop.is_set():
            try:
                self._leases.free(self._dead)
            except StoreError:
                stop.wait(_BETWEEN_SECONDS)
            else:
                return

    def stuck_for(self) -> float:
        """Returns for how many seconds the thread that takes in has made no step."""
        return monotonic() - self._intake.last_step

    def stop(self, end_by: float) -> None:
        """Finishes what was delivered, as far as there is time, and gives all leases back."""
        self._stop.set()
        for each in self._reading:
            each.join(max(end_by - monotonic(), 0.0))
        self._stop_taking.set()
        for each in self._others:
            each.join(max(min(end_by - monotonic(), _BETWEEN_SECONDS * 4), 0.0))
        if monotonic() < end_by:
            _give_back(self._leases)


def _give_back(leases: QueueLeases) -> None:
    try:
        leases.end()
    except StoreError:
        return  # they run out by themselves


def _doors(intake: IntakeSettings) -> dict[str, Door]:
    """Returns every queue that a reader may read, and how to read it."""
    live = [*queues.live(intake), *queues.former(intake, backfill=False)]
    loads = [*queues.former(intake, backfill=True), *queues.loads(intake)]
    tasks = {queues.CHANGES: _door(intake, celery=True), queues.BACKFILL: _door(intake, celery=True, backfill=True)}
    return (
        {name: _door(intake, celery=False) for name in live}
        | tasks
        | {name: _door(intake, celery=False, backfill=True) for name in loads}
    )


def _door(intake: IntakeSettings, *, celery: bool, backfill: bool = False) -> Door:
    return Door(intake.format, backfill, celery, intake.max_message_bytes)


def _groups(intake: IntakeSettings) -> list[list[str]]:
    former = [*queues.former(intake, backfill=False), *queues.former(intake, backfill=True)]
    groups = [queues.live(intake), queues.loads(intake), [queues.CHANGES, queues.BACKFILL]]
    return [*groups, former] if former else groups


def _reading(broker: BrokerAddress, buffer: MessageBuffer, leases: QueueLeases, intake: IntakeSettings) -> Reading:
    """Returns what reads a queue. Older than its messages are those of tasks, to which the first version published."""
    door = buffer.door
    former = [] if door.celery else queues.former(intake, backfill=door.backfill)
    older = [] if door.celery else [queues.BACKFILL if door.backfill else queues.CHANGES]
    declared = dict.fromkeys([buffer.queue, queues.DEAD_LETTERS, *older, *former])
    return Reading(broker, [*declared], buffer, leases, intake.batch_messages, older, former)
