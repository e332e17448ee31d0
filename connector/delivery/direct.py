"""Sends at once for people who were leased while their changes were taken in (`intake.leasing`), by the same process.

The thread that takes in asks `leasing` before each batch, hands over the people leased by it with `send`, and says with
`look` in which syncs others became due. The threads that run `work` do the rest. While all of them are at work nobody
is leased. People who become due meanwhile the threads claim themselves, together, when they are through: each thread
those of the connection it sends to, so that nobody waits for a connection that is not their own.

For the same reason people of several connections are leased only as far as a thread is free for each order: one that
waited behind a connection that hangs would wait until its lease has run out. And one connection never takes the thread
that is left to another. A thread that is free looks itself at what became due for a connection that nobody sends to:
the pool's processes may all wait for the one that hangs.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic

import structlog

from connector.delivery.courier import Courier
from connector.errors import ConnectorError
from connector.planning.leasing import Leased, Leasing

log = structlog.get_logger(__name__)
_LOOK_SECONDS = 0.5
_PAUSED = "the connection has been paused since"


@dataclass(frozen=True, slots=True)
class _Order:
    """An order to a thread, for one connection: to send for people who are leased, or to look who is due."""

    connection: str
    leased: Leased | None = None
    taken_at: float = 0.0
    due: frozenset[str] = frozenset()


class Direct:
    """The orders that the threads of one process share. Times are seconds of the monotonic clock."""

    def __init__(self, couriers: Mapping[str, Courier], threads: int) -> None:
        """Begins without orders. `couriers` are by sync; `threads` is how many will run `work`."""
        self._couriers = couriers
        self._changed = threading.Condition()
        self._orders: deque[_Order] = deque()
        self._due: set[str] = set()
        self._free = threads
        self._at_work: Counter[str] = Counter()
        self._paused_at: dict[str, float] = {}
        self._leasing = _leasing(couriers)
        self._several = len({courier.sender.name for courier in couriers.values()}) > 1

    def leasing(self) -> Leasing | None:
        """Returns the syncs for which the next batch may lease people, None if no thread could send at once."""
        with self._changed:
            if not self._is_free():
                return None
            syncs = self._with_a_thread() if self._several else self._couriers
            return replace(self._leasing, lines={sync: self._leasing.lines[sync] for sync in syncs})

    def _with_a_thread(self) -> list[str]:
        """Returns as many syncs as threads are free, those first to whose connection the fewest threads send.

        A connection that has a thread gets another only if one is left for each connection that has none.
        """
        sending = self._sending()
        unused = {self._connection(sync) for sync in self._couriers} - sending.keys()
        spare, found = self._free - len(self._orders), list[str]()
        for sync in sorted(self._couriers, key=lambda sync: sending[self._connection(sync)]):
            connection = self._connection(sync)
            left_to_others = 0 if connection in unused else len(unused)
            if spare - len(found) > left_to_others:
                unused.discard(connection)
                found.append(sync)
        return found

    def wait_until_free(self, seconds: float) -> None:
        """Waits until a thread could send at once, but for no more than so many seconds."""
        with self._changed:
            self._changed.wait_for(self._is_free, seconds)

    def _is_free(self) -> bool:
        return self._free > len(self._orders)

    def send(self, leased: Sequence[Leased], taken_at: float) -> None:
        """Takes over the people that a batch leased. `taken_at`: a moment before its transaction began."""
        with self._changed:
            self._orders += [_Order(self._connection(each.sync), each, taken_at) for each in leased]
            self._changed.notify_all()

    def look(self, syncs: Collection[str]) -> set[str]:
        """Takes over syncs in which people became due. Returns those for which the doorbell is still to be rung.

        If all threads are busy, each keeps for later the syncs whose connection it sends to. If one is free, and there
        are several connections, free threads look at those of connections that nobody sends to; a thread that sends to
        one looks at its syncs later, beside those who are rung for.
        """
        with self._changed:
            kept = {sync for sync in syncs if self._at_work[self._connection(sync)]}
            if not self._free:
                self._due |= kept
                return set(syncs) - kept
            if not self._several:
                return set(syncs)
            self._due |= kept
            return set(syncs) - self._ordered(syncs)

    def _ordered(self, syncs: Collection[str]) -> set[str]:
        """Gives orders to look at syncs, one for each connection that nobody sends to. Returns the syncs."""
        sending, found = self._sending(), set[str]()
        for connection in sorted({self._connection(sync) for sync in syncs} - sending.keys()):
            if self._is_free():
                due = frozenset(sync for sync in syncs if self._connection(sync) == connection)
                self._orders.append(_Order(connection, due=due))
                found |= due
        self._changed.notify_all()
        return found

    def _sending(self) -> Counter[str]:
        """Returns how many threads send to each connection, or have an order to."""
        return self._at_work + Counter(order.connection for order in self._orders)

    def work(self, stop: Callable[[], bool]) -> None:
        """Sends until `stop` returns True and no order is left. Failures are logged; the leases run out."""
        while (order := self._next(stop)) is not None:
            leased = order.leased
            due = set(order.due) if leased is None else _caught(partial(self._deliver, leased, order.taken_at))
            while due := self._look_next(order.connection, due, stop):
                for sync in sorted(due):
                    _caught(partial(self._deliver_due, sync, stop))
                due = set()

    def _next(self, stop: Callable[[], bool]) -> _Order | None:
        """Waits for the next order and marks a thread as busy. Returns None if there is none and it is time to end."""
        with self._changed:
            while not self._orders and not stop():
                self._changed.wait(_LOOK_SECONDS)
            if not self._orders:
                return None
            order = self._orders.popleft()
            self._free -= 1
            self._at_work[order.connection] += 1
            return order

    def _deliver_due(self, sync: str, stop: Callable[[], bool]) -> set[str]:
        self._couriers[sync].deliver(until=stop)
        return set()

    def _deliver(self, leased: Leased, taken_at: float) -> set[str]:
        """Sends for people who are leased. Returns their sync if some of them have another step to take."""
        courier = self._couriers[leased.sync]
        name = courier.sender.name
        stopped = _PAUSED if self._paused_at.get(name, 0.0) > taken_at else ""
        first_turn = taken_at + leased.wait
        done = courier.deliver_claimed(leased.lease, leased.claims, first_turn, taken_at, stopped)
        if done.paused:
            self._paused_at[name] = monotonic()
        return {leased.sync} if done.more else set()

    def _look_next(self, connection: str, syncs: Collection[str], stop: Callable[[], bool]) -> set[str]:
        """Returns these syncs and those kept for this thread. If there are none, or it is time to end, frees it.

        Both happen under one lock: what became due in between would be kept for a thread that looks no more.
        """
        with self._changed:
            due = {*syncs, *(sync for sync in self._due if self._connection(sync) == connection)}
            self._due -= due
            if due and not stop():
                return due
            self._free += 1
            self._at_work[connection] -= 1
            self._changed.notify_all()
            return set()

    def _connection(self, sync: str) -> str:
        return self._couriers[sync].sender.name


def _caught(send: Callable[[], set[str]]) -> set[str]:
    """Returns what `send` returns; if it fails, logs that and returns no syncs."""
    try:
        return send()
    except ConnectorError as error:
        log.warning("delivering failed: it is tried again when the leases have run out", reason=str(error))
    except Exception:
        log.exception("delivering failed: it is tried again when the leases have run out")
    return set()


def _leasing(couriers: Mapping[str, Courier]) -> Leasing:
    lines = {sync: courier.line for sync, courier in couriers.items()}
    seconds = min((courier.sender.limits.lease_seconds for courier in couriers.values()), default=0.0)
    return Leasing(seconds, lines)
