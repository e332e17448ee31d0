"""What a batch costs by its size, without a broker: one process that takes in and delivers, on PostgreSQL.

From it comes what is paid for each batch and what for each notification: the game of benchmarks/simulation.py is played
with these costs.
"""

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.fleet import Figures
from benchmarks.notifications import Notifications
from benchmarks.stage import ROOT, SETTINGS, Stage
from connector import log
from connector.errors import ConnectorError
from connector.intake import bodies
from connector.runtime import Runtime
from connector.settings.schema import load

SIZES = (1, 10, 100, 1000)
ROUNDS = 12
_SETTLED = 3
"""The first rounds build statements and open connections."""
_GROUPS = ("intake", "delivery", "store_intake", "store_delivery")
_MOST_BYTES = 5_000_000


def run(stage: Stage) -> Figures:
    """Returns the CPU microseconds of a batch by size, and from smallest and largest, what is fixed and for each."""
    environ = {**stage.environ, "CONNECTOR__STORE__URL": stage.postgres.database(stage.database("batches"))}
    server = str(stage.postgres.pid)
    command = [sys.executable, "-m", "benchmarks.batches", server]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ConnectorError(f"benchmarks.batches ended with {done.returncode}:\n{done.stderr[-2000:]}")
    sizes: dict[str, dict[str, float]] = json.loads(done.stdout.splitlines()[-1])  # what it logs stands before
    return {"sizes": sizes, **{group: parts(sizes, group) for group in _GROUPS}}


def parts(sizes: dict[str, dict[str, float]], group: str) -> dict[str, float]:
    """Returns what a batch of one costs beside its one notification, and what each costs in the largest."""
    small, large = min(map(int, sizes)), max(map(int, sizes))
    each = (sizes[str(large)][group] - sizes[str(small)][group]) / (large - small)
    return {"fixed": round(max(0.0, sizes[str(small)][group] - each * small), 1), "each": round(each, 2)}


def main(server: int) -> None:
    """Measures in this process, with the store that the environment names; prints microseconds a batch, by size."""
    settings = load(Path(SETTINGS))
    log.configure(settings.log)  # as a worker does: it writes no line about each person
    runtime = Runtime.open(settings)
    print(json.dumps({size: _of_size(runtime, server, size) for size in SIZES}))
    runtime.close()


def _of_size(runtime: Runtime, server: int, size: int) -> dict[str, float]:
    given = Notifications(size * ROUNDS, seed=f"batches of {size}")
    all_bodies: list[Any] = list(given.bodies())
    spent = dict.fromkeys(_GROUPS, 0.0)
    courier = runtime.courier("main")
    for number in range(ROUNDS):
        batch = all_bodies[number * size : (number + 1) * size]
        taking = spent_by(server, partial(bodies.take, runtime.store, runtime.syncs, "hull", batch, _MOST_BYTES))
        sending = spent_by(server, partial(courier.deliver, until=lambda: False))
        if number >= _SETTLED:
            for group, value in zip(_GROUPS, (taking[0], sending[0], taking[1], sending[1]), strict=True):
                spent[group] += value
    return {group: round(1e6 * value / (ROUNDS - _SETTLED), 1) for group, value in spent.items()}


def spent_by(server: int, does: Any) -> tuple[float, float]:
    """Returns CPU seconds of this process, and of PostgreSQL, for something."""
    own, theirs = time.process_time(), _cpu(server)
    does()
    return time.process_time() - own, _cpu(server) - theirs


def _cpu(server: int) -> float:
    """Returns PostgreSQL's CPU seconds, finer than in ticks: Linux tells the nanoseconds of each of its processes."""
    sessions = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return sum(map(_nanoseconds, (server, *map(int, sessions)))) / 1e9


def _nanoseconds(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except OSError:
        return 0


if __name__ == "__main__":
    main(int(sys.argv[1]))
