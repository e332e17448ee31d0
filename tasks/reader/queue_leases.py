"""Keeps this reader's share of the queues: each under a lease in the store, renewed while the reader lives.

A lease is taken under a name that is new each time. So the transaction that takes messages in can ask whether the lease
still holds (`fence`), and a reader that stood still for too long commits nothing any more.
"""

import threading
from collections.abc import Iterator, Sequence
from itertools import count
from time import monotonic

import structlog
from sqlalchemy import Connection

from connector.errors import StoreError
from connector.store import named_leases
from connector.store.engine import Store
from connector.store.named_leases import QUEUE, READER
from tasks.reader.queue_shares import Groups, shared_out

log = structlog.get_logger(__name__)
SECONDS = 12.0
"""After the death of a reader, how long nobody has its queues."""
LOOK_SECONDS = 3.0
"""How often leases are renewed."""
PEEK_SECONDS, RESTLESS_SECONDS = 1.0, 0.1
"""How often a reader asks whether another one has moved a lease, and how often while queues change hands: all that
while nobody reads them."""
_RESTLESS_FOR_SECONDS = 30.0
"""Queues that have not changed hands by then are not about to: readers may disagree by their settings."""
OUT_OF_REACH_SECONDS = 30.0
"""While the store does not answer, how long what was delivered is held: others may be able to reach it."""
_HOLDER = "/"


class LostLeaseError(Exception):
    """Another reader has the queue by now. Nothing of the batch is kept; RabbitMQ gives it to that reader."""


class QueueLeases:
    """The queues that this reader reads. One thread renews and takes leases; the threads that read queues ask."""

    def __init__(self, store: Store, name: str, groups: Groups) -> None:
        """Takes nothing yet."""
        self._store = store
        self._name = name
        self._groups = groups
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}
        self._leaving: set[str] = set()
        self._left: set[str] = set()
        self._confirmed_at = self._moved_at = monotonic()
        self._settled = False
        self._seen: dict[str, str] | None = None

    def lease_of(self, queue: str) -> str | None:
        """Returns the name under which this reader is to read the queue, None if it is not to."""
        with self._lock:
            return None if queue in self._leaving else self._held.get(queue)

    def out_of_reach(self) -> bool:
        """Says whether the store has not answered for so long that another reader may have taken over."""
        return monotonic() - self._confirmed_at > OUT_OF_REACH_SECONDS

    def leave(self, queue: str, holder: str) -> None:
        """Gives back the lease of a queue that is not read any more, so that the next reader may take it."""
        with self._lock:
            if self._held.get(queue) == holder and queue in self._leaving:
                self._left.add(queue)

    def leave_unread(self, queue: str) -> None:
        """Gives back the lease of a queue that is to be left and that nobody here reads: the broker may be away."""
        with self._lock:
            if queue in self._leaving:
                self._left.add(queue)

    def lose(self, queue: str, holder: str) -> None:
        """Notes that another reader has the lease."""
        with self._lock:
            if self._held.get(queue) == holder:
                self._forget(queue)

    def look(self) -> None:
        """Renews, takes and gives back leases. Raises StoreError."""
        began = monotonic()
        with self._store.writing() as tx:
            taken = self._move(tx, self._store.now(tx))
            seen = self._alive(tx)
        with self._lock:
            self._held |= taken
        self._confirmed_at = began
        if seen != self._seen:
            self._seen, self._moved_at = seen, began

    def is_due(self) -> bool:
        """Says whether it is time to look: leases grow old, one is to be given back, or another reader has moved one.

        Raises StoreError.
        """
        with self._lock:
            to_give_back = bool(self._left)
        if to_give_back or self._seen is None or monotonic() - self._confirmed_at >= LOOK_SECONDS:
            return True
        with self._store.reading() as tx:
            return self._alive(tx) != self._seen

    def pause(self) -> float:
        """Returns how many seconds to wait until the next question whether it is time to look."""
        restless = not self._settled and monotonic() - self._moved_at < _RESTLESS_FOR_SECONDS
        return RESTLESS_SECONDS if restless else PEEK_SECONDS

    def _alive(self, tx: Connection) -> dict[str, str]:
        """Returns the holder of each lease that has not ended."""
        now = self._store.now(tx)
        known = named_leases.beginning_with(tx, QUEUE, READER)
        return {name: holder for name, (holder, until) in known.items() if until >= now}

    def end(self) -> None:
        """Gives all leases back."""
        with self._store.writing() as tx:
            named_leases.give_back_all(tx, self._name + _HOLDER)

    def free(self, dead: str) -> None:
        """Gives back the leases of a reader that is known to have died."""
        with self._store.writing() as tx:
            named_leases.give_back_all(tx, dead + _HOLDER)

    def fence(self, queue: str, holder: str, tx: Connection) -> None:
        """Checks the queue's lease, in the transaction that takes its messages in. Raises LostLeaseError."""
        if not named_leases.fence(tx, QUEUE + queue, holder):
            raise LostLeaseError(queue)

    def _move(self, tx: Connection, now: float) -> dict[str, str]:
        """Takes and gives back leases. Returns those taken, which count once the transaction is committed."""
        self._say_alive(tx, now)
        self._give_back(tx)
        self._renew(tx, now)
        alive = self._alive(tx)
        readers = {name.removeprefix(READER) for name in alive if name.startswith(READER)}
        holders = {name.removeprefix(QUEUE): _reader(of) for name, of in alive.items() if name.startswith(QUEUE)}
        wanted = shared_out(self._groups, holders, readers)
        with self._lock:
            self._leaving = {queue for queue in self._held if wanted.get(queue) != self._name}
        mine = sorted(queue for queue, reader in wanted.items() if reader == self._name and queue not in holders)
        taken = dict(self._taken(tx, mine, now))
        self._settled = wanted == {**holders, **dict.fromkeys(taken, self._name)}
        return taken

    def _say_alive(self, tx: Connection, now: float) -> None:
        name = READER + self._name
        if not named_leases.renew(tx, name, self._name + _HOLDER, now, SECONDS):
            named_leases.take(tx, name, self._name + _HOLDER, now, SECONDS)

    def _give_back(self, tx: Connection) -> None:
        with self._lock:
            left = {queue: self._held[queue] for queue in self._left if queue in self._held}
        for queue, holder in left.items():
            named_leases.give_back(tx, QUEUE + queue, holder)
        with self._lock:
            for queue in left:
                self._forget(queue)

    def _renew(self, tx: Connection, now: float) -> None:
        with self._lock:
            held = dict(self._held)
        for queue, holder in sorted(held.items()):
            if not named_leases.renew(tx, QUEUE + queue, holder, now, SECONDS):
                log.warning("another reader has taken over: this one stood still for too long", queue=queue)
                self.lose(queue, holder)

    def _taken(self, tx: Connection, queues: Sequence[str], now: float) -> Iterator[tuple[str, str]]:
        for queue in queues:
            holder = f"{self._name}{_HOLDER}{next(self._numbers)}"
            if named_leases.take(tx, QUEUE + queue, holder, now, SECONDS):
                yield queue, holder

    def _forget(self, queue: str) -> None:
        del self._held[queue]
        self._leaving.discard(queue)
        self._left.discard(queue)


def keep_looking(leases: QueueLeases, stop: threading.Event) -> None:
    """Looks whenever it is time, until `stop` is set. While the store fails, logs so once a minute."""
    said_at = 0.0
    while not stop.is_set():
        try:
            if leases.is_due():
                leases.look()
            pause = leases.pause()
        except StoreError as error:
            pause = 1.0
            if monotonic() - said_at > 60.0:
                said_at = monotonic()
                log.warning("the store failed: the readers' leases cannot be renewed", reason=str(error))
        stop.wait(pause)


def _reader(holder: str) -> str:
    return holder.rpartition(_HOLDER)[0]
