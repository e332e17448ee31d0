"""What each process of the workers holds in memory, over many changes."""

import time
from typing import NamedTuple

from benchmarks import usage
from benchmarks.fleet import Figures, Fleet, check
from benchmarks.input import Input
from benchmarks.progress import times, watched
from benchmarks.watching import Watch

_AHEAD = 20_000
"""How many messages may wait in the queue: what is measured is the workers, not how much RabbitMQ holds."""
_EVERY = 0.5
_WAIT = 0.02


class Sample(NamedTuple):
    """Bytes in memory at a time, in seconds of a steady clock: by process, those of one worker after another."""

    at: float
    main: tuple[int, ...]
    pool: tuple[int, ...]


def measure(fleet: Fleet, given: Input) -> Figures:
    """Sends the changes, never too many ahead; what the processes held at each tenth of them, in MB."""
    pids = fleet.stage.processes["workers"]
    with watched(fleet.store) as progress, Watch(lambda: sample(pids), _EVERY) as watch:

        def before_each(number: int) -> None:
            while number - progress.samples[-1].taken_in > _AHEAD:
                time.sleep(_WAIT)

        fleet.publisher.publish(given.bodies(), before_each)
        progress.until_confirmed(given.changes)
    check(fleet.stage, given)
    ends = [progress.samples[0].at + seconds for seconds in times(progress.samples, given.changes)]
    at_ends = [next(each for each in reversed(watch.seen) if each.at <= end or each is watch.seen[0]) for end in ends]
    return {
        "changes": given.changes,
        "people": given.people,
        "main_mb": [[round(size / 1e6) for size in each.main] for each in at_ends],
        "pool_mb": [[round(size / 1e6) for size in each.pool] for each in at_ends],
    }


def sample(workers: list[int]) -> Sample:
    """What the workers' processes hold now."""
    trees = usage.trees(workers).values()
    return Sample(
        time.monotonic(),
        tuple(tree[0].rss for tree in trees),
        tuple(process.rss for tree in trees for process in sorted(tree[1:], key=lambda each: each.pid)),
    )
