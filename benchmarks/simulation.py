"""A fleet larger than any machine at hand, played through event by event with the costs that were measured.

Notifications arrive at random in the queues of the shards. The one reader of each shard takes what is there, up to a
batch, decides, writes to the store, and takes the next. Who is due waits, workspace by workspace, for a courier, who
claims up to a batch, sends one request, waits for the answer, settles. Readers and couriers have a core each; the
store's cores serve whoever asks first. The same seed plays the same game.
"""

import heapq
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Self

BATCH = 1000
TICK_SECONDS = 0.01
REQUESTS_A_SECOND = 100.0
"""How many requests a workspace takes as shipped ([connections] requests_per_second)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a batch: so much however small it is, and so much for each notification in it."""

    fixed: float
    each: float

    def of(self, size: int) -> float:
        """Returns what a batch of this size takes."""
        return self.fixed + self.each * size


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured. read: of a message, beside taking it in; commit: until the disk has a commit."""

    read: float
    intake: Cost
    delivery: Cost
    store_intake: Cost
    store_delivery: Cost
    commit: float
    answer: float

    @classmethod
    def of(cls, batches: Mapping[str, Any], read: float, commit: float, answer: float) -> Self:
        """Returns the costs in seconds, from the figures of benchmarks/batches.py, which are in microseconds."""
        intake, delivery, store_intake, store_delivery = (
            Cost(1e-6 * batches[group]["fixed"], 1e-6 * batches[group]["each"])
            for group in ("intake", "delivery", "store_intake", "store_delivery")
        )
        return cls(read, intake, delivery, store_intake, store_delivery, commit, answer)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is played. machines: each with `cores` for readers and couriers; the store has a machine of its own."""

    per_second: float
    shards: int
    machines: int
    workspaces: int = 1
    cores: int = 4
    store_cores: int = 16

    @property
    def couriers(self) -> int:
        """The number of cores that no reader has."""
        return max(1, self.machines * self.cores - self.shards)


@dataclass(frozen=True, slots=True)
class Outcome:
    """backlog: notifications that were not confirmed at the end; the waits are seconds of those that were."""

    confirmed: int
    backlog: int
    median: float
    p99: float
    store_busy: float


class Group:
    """Notifications that arrived at about the same time."""

    __slots__ = ("at", "size")

    def __init__(self, at: float, size: int) -> None:
        self.at, self.size = at, size


class Line:
    """Groups that wait, first come first served."""

    def __init__(self) -> None:
        self.groups: deque[Group] = deque()
        self.size = 0

    def add(self, group: Group) -> None:
        """Puts a group behind the others."""
        if group.size:
            self.groups.append(group)
            self.size += group.size

    def take(self, most: int) -> list[Group]:
        """Takes up to so many notifications from the front."""
        taken: list[Group] = []
        room = most
        while room and self.groups:
            first = self.groups[0]
            part = min(room, first.size)
            taken.append(Group(first.at, part))
            first.size -= part
            room -= part
            if not first.size:
                self.groups.popleft()
        self.size -= most - room
        return taken


class Cores:
    """Cores that serve in the order of asking."""

    def __init__(self, number: int) -> None:
        self.free_at = [0.0] * number
        self.busy = 0.0

    def run(self, now: float, seconds: float) -> float:
        """Returns when work that is handed in now is done, in seconds of the game."""
        start = max(now, heapq.heappop(self.free_at))
        heapq.heappush(self.free_at, start + seconds)
        self.busy += seconds
        return start + seconds


@dataclass
class Game:
    """One run; `play` it once."""

    fleet: Fleet
    costs: Costs
    seconds: float
    seed: int = 1
    now: float = 0.0
    waits: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._store = Cores(self.fleet.store_cores)
        self._arrived = [Line() for _ in range(self.fleet.shards)]
        self._due = [Line() for _ in range(self.fleet.workspaces)]
        self._next_request = [0.0] * self.fleet.workspaces
        self._reading = [False] * self.fleet.shards
        self._idle_couriers = self.fleet.couriers
        self._turn = 0
        self._events: list[tuple[float, int, Any, tuple[Any, ...]]] = []
        self._numbers = count()

    def play(self) -> Outcome:
        """Lets notifications arrive for so many seconds. Returns what came of it by then."""
        self._at(0.0, self._tick)
        while self._events and self._events[0][0] <= self.seconds:
            self.now, _, happens, arguments = heapq.heappop(self._events)
            happens(*arguments)
        return self._outcome()

    def _at(self, when: float, happens: Any, *arguments: Any) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), happens, arguments))

    def _tick(self) -> None:
        expected = self.fleet.per_second * TICK_SECONDS / self.fleet.shards
        for shard, line in enumerate(self._arrived):
            line.add(Group(self.now, _poisson(self._random, expected)))
            self._read(shard)
        self._at(self.now + TICK_SECONDS, self._tick)

    def _read(self, shard: int) -> None:
        line = self._arrived[shard]
        if self._reading[shard] or not line.size:
            return
        self._reading[shard] = True
        taken = line.take(BATCH)
        size = sum(group.size for group in taken)
        decided = self.now + self.costs.read * size + self.costs.intake.of(size)
        committed = self._store.run(decided, self.costs.store_intake.of(size)) + self.costs.commit
        self._at(committed, self._taken_in, shard, taken)

    def _taken_in(self, shard: int, taken: list[Group]) -> None:
        self._reading[shard] = False
        for group in taken:
            for workspace, size in self._shares(group.size):
                self._due[workspace].add(Group(group.at, size))
        self._read(shard)
        self._send()

    def _shares(self, size: int) -> Iterator[tuple[int, int]]:
        """Yields workspaces and how many of a group's notifications each has: they are about people of all alike."""
        whole, rest = divmod(size, self.fleet.workspaces)
        for place in range(self.fleet.workspaces if whole else rest):
            yield (self._turn + place) % self.fleet.workspaces, whole + (place < rest)
        self._turn = (self._turn + rest) % self.fleet.workspaces

    def _send(self) -> None:
        waiting = [number for number, line in enumerate(self._due) if line.size]
        waiting.sort(key=lambda number: self._due[number].groups[0].at)
        for workspace in waiting[: self._idle_couriers]:
            self._deliver(workspace)

    def _deliver(self, workspace: int) -> None:
        self._idle_couriers -= 1
        taken = self._due[workspace].take(BATCH)
        size = sum(group.size for group in taken)
        ready = self._store.run(self.now, self.costs.store_delivery.of(size)) + self.costs.delivery.of(size)
        turn = max(ready, self._next_request[workspace])
        self._next_request[workspace] = turn + 1 / REQUESTS_A_SECOND
        self._at(turn + self.costs.answer, self._confirmed, taken)

    def _confirmed(self, taken: list[Group]) -> None:
        self._idle_couriers += 1
        self.waits += [(self.now - group.at, group.size) for group in taken]
        self._send()

    def _outcome(self) -> Outcome:
        confirmed = sum(size for _, size in self.waits)
        arrived = confirmed + sum(line.size for line in (*self._arrived, *self._due))
        flying = sum(
            group.size for _, _, _, arguments in self._events for each in arguments if isinstance(each, list)
            for group in each
        )  # fmt: skip
        return Outcome(
            confirmed,
            arrived + flying - confirmed,
            _share(self.waits, 0.5),
            _share(self.waits, 0.99),
            self._store.busy / (self.seconds * self.fleet.store_cores),
        )


def _poisson(random: Random, expected: float) -> int:
    """Returns how many arrive where `expected` do on average, by the normal distribution if these are many."""
    return max(0, round(random.gauss(expected, expected**0.5)))


def _share(waits: list[tuple[float, int]], share: float) -> float:
    """Returns the wait that this share of all notifications does not exceed."""
    ordered = sorted(waits)
    wanted = share * sum(size for _, size in ordered)
    passed = 0
    for wait, size in ordered:
        passed += size
        if passed >= wanted:
            return wait
    return 0.0
