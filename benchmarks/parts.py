"""The benchmarks, each on servers of its own, so that none finds what another has left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import instead as instead_
from benchmarks import latency as latency_
from benchmarks import memory as memory_
from benchmarks import million
from benchmarks.fleet import Figures, Size, measure, working
from benchmarks.fleet import Fleet as Working
from benchmarks.input import Input
from benchmarks.stage import staged

MILLION = 1_000_000
PEOPLE = 50_000
TWO_BY_TWO = Size()


@dataclass(frozen=True, slots=True)
class Fleet:
    """A run of the fleet: on which changes, from a full queue or beside the publisher, beside how many other people."""

    given: Input
    size: Size = TWO_BY_TWO
    preloaded: bool = True
    before: int = 0
    statements: bool = False

    @property
    def name(self) -> str:
        """Under which it stands in results.json."""
        return f"fleet {'preloaded' if self.preloaded else 'live'}{f' beside {self.before}' if self.before else ''}"

    def measure(self) -> Figures:
        """Runs it."""
        with staged(statements=self.statements) as stage, working(stage, stage.database("fleet"), self.size) as fleet:
            if self.before:
                million.fill(fleet, self.before)
            found = measure(fleet, self.given, preloaded=self.preloaded)
            for row in stage.statements("fleet") if self.statements else ():
                print(*row)
            return {**found, "people_before": self.before, "storage": million.storage(fleet)}


def instead(changes: int, batched: int) -> Figures:
    """What people use instead."""
    found = {}
    with staged() as stage:
        for concurrency in (2, 8):
            found[f"celery_{concurrency}"] = instead_.celery(stage, _input(changes), concurrency)
        for name in ("official_loop", "official_threads", "async_requests"):
            found[name] = instead_.client(stage, _input(changes), name)
        found["async_batches"] = instead_.client(stage, _input(batched), "async_batches")
    return found


def latency(size: Size, per_second: float, seconds: float, answer_seconds: float) -> Figures:
    """From publish to confirmed."""
    with _fleet(size) as fleet:
        return latency_.measure(fleet, per_second=per_second, seconds=seconds, answer_seconds=answer_seconds)


def memory(given: Input, size: Size) -> Figures:
    """What the workers hold."""
    with _fleet(size) as fleet:
        return memory_.measure(fleet, given)


def everything(changes: int, memory_changes: int) -> Iterator[tuple[str, Callable[[], Figures]]]:
    """All of them, by the names under which they stand in results.json."""
    given = _input(changes)
    for run in (Fleet(given), Fleet(given, before=MILLION), Fleet(given, preloaded=False)):
        yield run.name, run.measure
    yield "instead", lambda: instead(changes // 20, changes // 2)
    yield "latency", lambda: latency(TWO_BY_TWO, 200.0, 30.0, 0.05)
    yield "memory", lambda: memory(Input(memory_changes, min(PEOPLE, memory_changes // 2)), TWO_BY_TWO)


def _input(changes: int) -> Input:
    return Input(changes, changes // 2)


@contextmanager
def _fleet(size: Size) -> Iterator[Working]:
    with staged() as stage, working(stage, stage.database("fleet"), size) as fleet:
        yield fleet
