"""What safety costs: the same run of the fleet with each safeguard off in turn, and with all of them off.

Nothing of this is a setting of the product: PostgreSQL's are changed at the server, what the program itself does is
replaced in the processes of the benchmark alone (benchmarks/unsafe).
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks import unsafe
from benchmarks.fleet import Figures, measure, working
from benchmarks.notifications import Notifications
from benchmarks.stage import ROOT, Size, Stage, staged

TABLES = ("entity", "event", "identity", "tally", "call", "connection")


@dataclass(frozen=True, slots=True)
class Off:
    """A run without something. patches: names of benchmarks/unsafe; unlogged: tables have no write-ahead log."""

    label: str
    postgres: Mapping[str, str] = field(default_factory=dict)
    patches: tuple[str, ...] = ()
    unlogged: bool = False


EVERYTHING_ON = Off("everything on")
EACH = (
    Off("PostgreSQL does not wait for its disk (fsync)", {"fsync": "off"}),
    Off("commits wait for no log (synchronous_commit)", {"synchronous_commit": "off"}),
    Off("pages are not logged whole (full_page_writes)", {"full_page_writes": "off"}),
    Off("tables without a write-ahead log", unlogged=True),
    Off("classic queues, not quorum queues", patches=("quorum queues",)),
    Off("workers publish without confirmations", patches=("confirmations",)),
    Off("requests are not logged", patches=("request log",)),
)


def all_off(each: Iterable[Off] = EACH) -> Off:
    """Returns the run with every safeguard off at once."""
    postgres: dict[str, str] = {}
    patches: tuple[str, ...] = ()
    for one in each:
        postgres |= one.postgres
        patches += one.patches
    return Off("all of that at once", postgres, patches, unlogged=True)


def runs() -> Iterator[Off]:
    """Yields the runs; everything on comes first and last: the machine makes the difference between these two."""
    yield EVERYTHING_ON
    yield from EACH
    yield all_off()
    yield EVERYTHING_ON


def run(changes: int, size: Size) -> Figures:
    """Returns the notifications a second and the CPU microseconds of each, in order."""
    found = []
    for off in runs():
        with staged(postgres=off.postgres) as stage:
            database = stage.database("safety")
            if off.unlogged:
                _unlog(stage, database)
            with working(stage, database, size, environ(off)) as fleet:
                told = measure(fleet, Notifications(changes))
        found.append({"label": off.label, **{name: told[name] for name in ("per_second", "microseconds")}})
    return {"changes": changes, "runs": found}


def environ(off: Off) -> dict[str, str]:
    """Returns what makes the fleet's processes run without the patched safeguards."""
    if not off.patches:
        return {}
    folder = Path(unsafe.__file__).parent
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))), "BENCHMARK_WITHOUT": ",".join(off.patches)}


def _unlog(stage: Stage, database: str) -> None:
    url = stage.postgres.database(database).replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} SET UNLOGGED".encode())
