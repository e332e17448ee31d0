"""What the history of people costs a notification: the same batches with and without it, in turn, in one process.

PostgreSQL is that of the stage, with a database for each of the two. Both see the same notifications about the same
people, batch by batch, so what else the machine does falls on both alike.
"""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.batches import spent_by
from benchmarks.fleet import Figures
from benchmarks.notifications import Notifications
from benchmarks.stage import ROOT, SETTINGS, Stage
from connector.errors import ConnectorError
from connector.intake import bodies
from connector.runtime import Runtime
from connector.settings.schema import Settings, load

BATCH = 1000
_SETTLED = 3
_MOST_BYTES = 5_000_000
_WITH, _WITHOUT = "with_history", "without_history"


def run(stage: Stage, rounds: int) -> Figures:
    """Returns the CPU microseconds of a notification with and without the history, and the share of the difference."""
    urls = [stage.postgres.database(stage.database(name)) for name in (_WITH, _WITHOUT)]
    command = [sys.executable, "-m", "benchmarks.history", str(stage.postgres.pid), str(rounds), *urls]
    done = subprocess.run(command, env=stage.environ, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConnectorError(f"benchmarks.history ended with {done.returncode}:\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])  # what it logs stands before
    return found


def main(server: int, rounds: int, urls: list[str]) -> None:
    """Measures in this process; prints the figures."""
    runtimes = {name: _opened(url, name) for name, url in zip((_WITH, _WITHOUT), urls, strict=True)}
    given: list[Any] = list(Notifications(BATCH * rounds, seed="history").bodies())
    taken: dict[str, list[tuple[float, ...]]] = {name: [] for name in runtimes}
    for number in range(rounds):
        batch = given[number * BATCH : (number + 1) * BATCH]
        for name in sorted(runtimes, reverse=bool(number % 2)):
            taken[name].append(_round(runtimes[name], server, batch))
    print(json.dumps(_figures({name: each[_SETTLED:] for name, each in taken.items()})))
    for runtime in runtimes.values():
        runtime.close()


def _opened(url: str, name: str) -> Runtime:
    settings: Settings = load(Path(SETTINGS))
    store = settings.store.model_copy(update={"url": url})
    retention = settings.retention.model_copy(update={"history_days": 7.0 if name == _WITH else 0.0})
    return Runtime.open(settings.model_copy(update={"store": store, "retention": retention}))


def _round(runtime: Runtime, server: int, batch: list[Any]) -> tuple[float, ...]:
    taking = spent_by(server, partial(bodies.take, runtime.store, runtime.syncs, "hull", batch, _MOST_BYTES))
    sending = spent_by(server, partial(runtime.courier("main").deliver, until=lambda: False))
    return tuple(1e6 * each / len(batch) for each in (*taking, *sending))


def _figures(taken: dict[str, list[tuple[float, ...]]]) -> Figures:
    """Returns the middle of the rounds of each part, and what they come to."""
    parts = ("taking in", "PostgreSQL, taking in", "delivering", "PostgreSQL, delivering")
    middle = {name: [median(column) for column in zip(*rows, strict=True)] for name, rows in taken.items()}
    sums = {name: sum(each) for name, each in middle.items()}
    return {
        **{name: dict(zip(parts, (round(each, 1) for each in values), strict=True)) for name, values in middle.items()},
        "microseconds": {name: round(each, 1) for name, each in sums.items()},
        "share": round(sums[_WITH] / sums[_WITHOUT] - 1, 3),
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
