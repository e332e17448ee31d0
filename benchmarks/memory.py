"""What each process of the workers holds in memory, over many notifications."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from benchmarks import usage
from benchmarks.fleet import Figures, Fleet, check
from benchmarks.notifications import Notifications
from benchmarks.progress import times, watched
from benchmarks.watching import Watch

_AHEAD = 20_000
"""How many messages may wait in the queue: what is measured is the workers, not how much RabbitMQ holds."""
_EVERY = 0.5
_WAIT = 0.02


class Sample(NamedTuple):
    """Bytes in memory at a time, in seconds of a steady clock: by what a process does, those of all workers."""

    at: float
    held: Mapping[str, tuple[int, ...]]


def measure(fleet: Fleet, given: Notifications) -> Figures:
    """Sends the notifications, never too many ahead; what the processes held at each tenth of them, in MB."""
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
        "mb": {
            role: [[round(size / 1e6) for size in each.held.get(role, ())] for each in at_ends]
            for role in roles(at_ends)
        },
    }


def megabytes(sample: Sample, role: str) -> list[int]:
    """Returns what the processes that do this held, one by one."""
    return [round(size / 1e6) for size in sample.held.get(role, ())]


def roles(samples: list[Sample]) -> list[str]:
    """Returns all there are, in a steady order."""
    return sorted({role for sample in samples for role in sample.held})


def sample(workers: list[int]) -> Sample:
    """Returns what the workers' processes hold now."""
    held: dict[str, tuple[int, ...]] = {}
    for main, *others in usage.trees(workers).values():
        held["main"] = (*held.get("main", ()), main.rss)
        for process in sorted(others, key=lambda each: each.pid):
            role = usage.role(process)
            held[role] = (*held.get(role, ()), process.rss)
    return Sample(time.monotonic(), held)
