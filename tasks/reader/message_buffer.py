"""Keeps what was delivered of a queue until it is taken in: one thread reads the queue, another takes in."""

import socket
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field

from connector.broker.envelope import Door
from connector.broker.frames import Delivery

MOST_BYTES = 32_000_000
"""How many bytes of a queue are held in memory at most; then nothing more is read until some of them are done."""


@dataclass(slots=True)
class Done:
    """What became of messages: all up to the delivery tag `tag` are done; `dead_letters` are to become such."""

    tag: int = 0
    dead_letters: list[Delivery] = field(default_factory=list)


class MessageBuffer:
    """The messages of one queue that were delivered and are not done, under one lease at a time."""

    def __init__(self, queue: str, door: Door, arrived: threading.Condition) -> None:
        """Holds nothing yet. `arrived` is notified when a message of this or another queue has arrived."""
        self.queue = queue
        self.door = door
        self.arrived = arrived
        self.wake, self._ring = socket.socketpair()
        self.wake.setblocking(False)
        self._ring.setblocking(False)
        self._lock = threading.Lock()
        self._waiting: deque[Delivery] = deque()
        self._bytes = 0
        self._in_hand = 0
        self._done = Done()
        self.holder: str | None = None
        self.session = 0
        self.given_up = False
        self.shut = False

    # --- for the thread that reads ---

    def begin(self, holder: str) -> None:
        """Starts a session: messages come under this lease, on a new channel. Older channels' tags mean nothing now."""
        with self._lock:
            self._clear()
            self.session += 1
            self.holder, self.given_up = holder, False

    def end(self) -> None:
        """Ends the session. The channel is closed, so RabbitMQ gives unacknowledged messages to the next reader."""
        with self._lock:
            self._clear()
            self.session += 1
            self.holder = None

    def put(self, deliveries: list[Delivery]) -> None:
        """Adds messages that have arrived, and notifies the thread that takes in."""
        with self._lock:
            self._waiting.extend(deliveries)
            self._bytes += sum(len(each.body) for each in deliveries)
        with self.arrived:
            self.arrived.notify()

    def full(self) -> bool:
        """Says whether nothing more is to be read for now."""
        return self._bytes >= MOST_BYTES

    def empty(self) -> bool:
        """Says whether everything that arrived is done."""
        with self._lock:
            return not self._waiting and not self._in_hand

    def take_done(self) -> Done:
        """Returns what was done since the last call, and forgets it."""
        with self._lock:
            done, self._done = self._done, Done()
            return done

    # --- for the thread that takes in ---

    def next_batch(self, messages: int, size: int) -> tuple[int, str, list[Delivery]]:
        """Takes whatever has arrived, up to a number of messages and bytes.

        Returns the session and the lease in which the messages came, and the messages.
        """
        with self._lock:
            batch: list[Delivery] = []
            taken = 0
            while self._waiting and len(batch) < messages and (not batch or taken + len(self._waiting[0].body) <= size):
                taken += len(self._waiting[0].body)
                batch.append(self._waiting.popleft())
            self._bytes -= taken
            self._in_hand = len(batch)
            return self.session, self.holder or "", batch

    def first(self) -> Delivery | None:
        """Returns the next message, None if none has arrived."""
        with self._lock:
            return self._waiting[0] if self._waiting else None

    def waiting(self) -> int:
        """Returns how many messages wait to be taken in."""
        return len(self._waiting)

    def has_more(self) -> bool:
        """Says whether any message waits to be taken in."""
        return bool(self._waiting)

    def done(self, session: int, tag: int, dead_letters: tuple[Delivery, ...] = ()) -> None:
        """Notes that the store has everything up to the message with this tag. A tag of an older session is ignored."""
        with self._lock:
            if session != self.session:
                return
            self._done.tag = tag
            self._done.dead_letters += dead_letters
        self.call()

    def finished(self) -> None:
        """Notes that the batch is done."""
        with self._lock:
            self._in_hand = 0
        self.call()

    def give_up(self, session: int, *, shut: bool = False) -> None:
        """Lets RabbitMQ have back the messages that are not done.

        Another reader has the lease, or they were held for too long. shut: ask for none until `open` is called.
        """
        with self._lock:
            if session == self.session:
                self.given_up, self.shut = True, shut
        self.call()

    def open(self) -> None:
        """Allows the reader to ask for messages again."""
        self.shut = False

    def call(self) -> None:
        """Wakes the thread that reads."""
        with suppress(BlockingIOError):  # then it is called already
            self._ring.send(b"\0")

    def _clear(self) -> None:
        self._waiting.clear()
        self._bytes = 0
        self._done = Done()
