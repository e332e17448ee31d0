"""The benchmarks by the names under which they stand in results.json: each by itself, on servers of its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks import (
    batches,
    games,
    history,
    latency,
    loads,
    machine,
    memory,
    million,
    order,
    pages,
    profile,
    race,
    report,
    safety,
    shards,
    syncs,
    webhooks,
)
from benchmarks import instead as instead_
from benchmarks.fleet import Figures, Fleet, measure, working
from benchmarks.notifications import Notifications
from benchmarks.stage import Size, staged

SIZE = Size()
PEOPLE = 10_000_000
BACKFILL = 100_000
ANSWER_SECONDS = 0.05
CLIENTS = ("official_loop", "official_threads", "async_requests")


@dataclass(frozen=True, slots=True)
class Part:
    """One benchmark. `measure` is told the scale: 1.0 is the real run, less is smaller and faster, and tells less."""

    about: str
    measure: Callable[[float], Figures]


def _of(whole: int, scale: float) -> int:
    return max(1, round(whole * scale))


@contextmanager
def _fleet() -> Iterator[Fleet]:
    with staged() as stage, working(stage, stage.database("fleet"), SIZE) as fleet:
        yield fleet


def _race(scale: float) -> Figures:
    with staged() as stage:
        return race.run(stage, _of(40_000, scale), 3, SIZE)


def _live(scale: float) -> Figures:
    with _fleet() as fleet:
        return measure(fleet, Notifications(_of(40_000, scale)), preloaded=False)


def _order(scale: float) -> Figures:
    with _fleet() as fleet:
        return order.all_of_them(fleet, _of(6000, scale))


def _latency(scale: float) -> Figures:
    with _fleet() as fleet:
        return latency.measure(fleet, per_second=200.0, seconds=max(2.0, 30 * scale), answer_seconds=ANSWER_SECONDS)


def _beside_backfill(scale: float) -> Figures:
    seconds, backfill = max(2.0, 15 * scale), _of(BACKFILL, scale)
    with _fleet() as fleet:
        return latency.measure(
            fleet, per_second=200.0, seconds=seconds, answer_seconds=ANSWER_SECONDS, backfill=backfill
        )


def _beside(scale: float) -> Figures:
    """Measures a run on an empty store, and another one after many people were put into it."""
    changes = _of(40_000, scale)
    with staged() as stage:
        database = stage.database("beside")
        with working(stage, database, SIZE) as fleet:
            alone = measure(fleet, Notifications(changes, seed="alone"))
            storage = million.storage(fleet.store)
        million.fill(stage, stage.postgres.database(database), _of(PEOPLE, scale))
        with working(stage, database, SIZE) as fleet:
            found = measure(fleet, Notifications(changes, seed="beside"))
            filled = million.storage(fleet.store)
    slower = round(found["seconds"] / alone["seconds"], 2)
    costlier = round(found["microseconds"] / alone["microseconds"], 2)
    return {**found, "alone": {**alone, "storage": storage}, "storage": filled, "time": slower, "cpu_times": costlier}


def _shards(scale: float) -> Figures:
    return shards.run(_of(40_000, scale))


def _syncs(scale: float) -> Figures:
    return syncs.run(_of(20_000, scale), SIZE)


def _embedded(scale: float) -> Figures:
    with staged() as stage:
        return loads.embedded(stage, Notifications(_of(40_000, scale)))


def _table(scale: float) -> Figures:
    with staged() as stage:
        return loads.table(stage, _of(200_000, scale))


def _memory(scale: float) -> Figures:
    changes = _of(1_000_000, scale)
    with _fleet() as fleet:
        return memory.measure(fleet, Notifications(changes, _of(50_000, scale)))


def _safety(scale: float) -> Figures:
    return safety.run(_of(20_000, scale), SIZE)


def _profile(scale: float) -> Figures:
    with _fleet() as fleet:
        return profile.run(fleet, Notifications(_of(30_000, scale)))


def _batches(_: float) -> Figures:
    with staged() as stage:
        return batches.run(stage)


def _history(scale: float) -> Figures:
    with staged() as stage:
        return history.run(stage, max(5, _of(30, scale)))


def _pages(scale: float) -> Figures:
    return pages.run(_of(20_000, scale), _of(1_000_000, scale), SIZE)


def _webhooks(scale: float) -> Figures:
    return webhooks.run(_of(BACKFILL, scale), webhooks.SECONDS * max(0.1, scale), SIZE)


def _games(scale: float) -> Figures:
    return games.run(report.results(), machine.fsync_ms() / 1000, ANSWER_SECONDS, max(2.0, games.SECONDS * scale))


def _instead(scale: float) -> Figures:
    found = {}
    given = Notifications(_of(3000, scale))
    with staged() as stage:
        for concurrency in (2, 8):
            found[f"celery_{concurrency}"] = instead_.celery(stage, given, concurrency)
        for name in CLIENTS:
            found[name] = instead_.client(stage, given, name)
        found["async_batches"] = instead_.client(stage, Notifications(_of(30_000, scale)), "async_batches")
    return found


PARTS: Mapping[str, Part] = {
    "race": Part("the fleet, the undurable script and a Celery task for each, in turn", _race),
    "order": Part("three notifications a user, right behind one another: people wrong at the end", _order),
    "latency": Part("from publish to confirmed, 200 a second", _latency),
    "latency beside a backfill": Part("the same beside a bulk load", _beside_backfill),
    "beside": Part("ten million people in the store already", _beside),
    "shards": Part("two intake shards on two readers, against one", _shards),
    "syncs": Part("four syncs over the same notifications, against one", _syncs),
    "embedded": Part("`connector send` into SQLite, delivered by `connector run`", _embedded),
    "table": Part("a CSV into PostgreSQL", _table),
    "memory": Part("what the workers hold over a million notifications", _memory),
    "safety": Part("the same run with each safeguard off in turn", _safety),
    "profile": Part("where a notification's microseconds go", _profile),
    "batches": Part("what a batch costs by its size", _batches),
    "history": Part("what the history of people costs a notification, with it and without it in turn", _history),
    "pages": Part("the console's pages beside a million people and ten million events", _pages),
    "webhooks": Part("reporting webhooks, 1,500 a second, by themselves and beside a bulk load", _webhooks),
    "games": Part("a larger fleet by simulation, with the costs of race and batches", _games),
    "live": Part("the publisher runs beside the fleet", _live),
    "instead": Part("what people use instead", _instead),
}
