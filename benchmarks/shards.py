"""Two intake shards on two readers against one shard on one: how fast notifications are taken in, nothing delivered."""

from contextlib import ExitStack

from benchmarks.fleet import Figures, Fleet, warm
from benchmarks.notifications import Notifications
from benchmarks.progress import Progress, watched
from benchmarks.publisher import Publisher
from benchmarks.stage import QUEUE, Size, pause, resume, staged

ONE, TWO = 1, 2
_WORKERS = 2


def run(changes: int) -> Figures:
    """Returns the notifications taken in a second with one shard and with two, and how many times as many that is."""
    rates = {shards: _rate(shards, Notifications(changes)) for shards in (ONE, TWO)}
    return {"changes": changes, "one": rates[ONE], "two": rates[TWO], "times": round(rates[TWO] / rates[ONE], 2)}


def queues(shards: int) -> list[str]:
    """Returns the queues of live changes, as docs/messages.md names them."""
    return [QUEUE, *(f"{QUEUE}-{number}" for number in range(1, shards))]


def dealt(given: Notifications, shards: int) -> list[list[bytes]]:
    """Returns the notifications by shard: all about one user in the same one, in order."""
    parts: list[list[bytes]] = [[] for _ in range(shards)]
    for step in given.steps:
        parts[step.person % shards].append(given.body(step))
    return parts


def _rate(shards: int, given: Notifications) -> int:
    environ = {"CONNECTOR__INTAKE__SHARDS": str(shards), "CONNECTOR__SYNCS__MAIN__DELIVER": "false"}
    with staged() as stage, ExitStack() as stack:
        database = stage.database("shards")
        size = Size(_WORKERS)
        workers = stack.enter_context(stage.fleet(database, size, environ))
        publishers = [Publisher(stage.rabbitmq.url, name) for name in queues(shards)]
        fleet = Fleet(stage, size, workers, publishers[0], stage.postgres.database(database))
        warm(fleet, Progress.until_taken_in)
        return _measured(fleet, publishers, given)


def _measured(fleet: Fleet, publishers: list[Publisher], given: Notifications) -> int:
    parts = dealt(given, len(publishers))
    pause(fleet.workers)
    for publisher, bodies in zip(publishers, parts, strict=True):
        publisher.publish(bodies)
        publisher.close()
    with watched(fleet.store) as progress:
        resume(fleet.workers)
        progress.until_taken_in(given.changes)
        first, last = progress.begun[0], progress.samples[-1]
    return round(given.changes / (last.at - first.at))
