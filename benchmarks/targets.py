"""The table of what the fleet is to reach: each row beside what was measured."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.markdown import table

Results = Mapping[str, Any]
HEADS = ("", "measured", "to reach", "then", "reached")
_UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Target:
    """A row. `measured`: KeyError where the results do not have it yet. lower: whether less is better."""

    name: str
    measured: Callable[[Results], float]
    reach: float
    then: float | None = None
    lower: bool = False
    unit: str = ""

    def row(self, results: Results) -> list[object]:
        """Returns the row in words."""
        goals = [self._worded(self.reach), "" if self.then is None else self._worded(self.then)]
        try:
            found = self.measured(results)
        except KeyError:
            return [self.name, _UNKNOWN, *goals, ""]
        return [self.name, self._worded(found), *goals, "yes" if self.reached(found) else "no"]

    def reached(self, found: float) -> bool:
        """Says whether that is as good as the target, or better."""
        return found <= self.reach if self.lower else found >= self.reach

    def _worded(self, value: float) -> str:
        return f"{value:,.6g}{self.unit}"


def _latency(part: str, share: str) -> Callable[[Results], float]:
    return lambda results: float(results[part]["milliseconds"][share])


TARGETS = (
    Target(
        "of the undurable batch script's notifications a second, same run",
        lambda of: of["race"]["ratio"], 0.42, 1.0,
    ),
    Target("notifications a second", lambda of: of["race"]["per_second"], 6000, 14_000),
    Target(
        "CPU of a notification, workers + PostgreSQL + RabbitMQ",
        lambda of: of["race"]["microseconds"], 270, 140, lower=True, unit=" µs",
    ),
    Target(
        "publish to confirmed at 200 a second, median",
        _latency("latency", "median"), 90, 75, lower=True, unit=" ms",
    ),
    Target("the same, 99th percentile", _latency("latency", "p99"), 200, 130, lower=True, unit=" ms"),
    Target(
        "the same beside a backfill of 100,000, 99th percentile",
        _latency("latency beside a backfill", "p99"), 500, lower=True, unit=" ms",
    ),
    Target(
        "time beside 10,000,000 people in the store, of the time beside none",
        lambda of: of["beside"]["time"], 1.1, lower=True,
    ),
    Target("2 intake shards on 2 readers against one: rate of taking in", lambda of: of["shards"]["times"], 1.7),
    Target(
        "four syncs over the same notifications: CPU of one, of one sync's",
        lambda of: of["syncs"]["times"], 2, 1.5, lower=True,
    ),
    Target(
        "`connector send` into SQLite, embedded: taken in and delivered a second",
        lambda of: of["embedded"]["per_second"], 6000,
    ),
    Target(
        "reporting webhooks a second that a core of the web process takes",
        lambda of: of["webhooks"]["as_fast_as_taken"]["a_second_a_core"], 1500,
    ),
    Target(
        "500 reporting webhooks a second beside a backfill of 100,000, 99th percentile",
        lambda of: of["webhooks"]["500 beside a backfill"]["milliseconds"]["p99"], 100, lower=True, unit=" ms",
    ),
    Target(
        "1,500 reporting webhooks a second beside a backfill of 100,000, 99th percentile",
        lambda of: of["webhooks"]["1500 beside a backfill"]["milliseconds"]["p99"], 100, lower=True, unit=" ms",
    ),
    Target("CSV of 200,000 rows into PostgreSQL", lambda of: of["table"]["seconds"], 40, lower=True, unit=" s"),
    Target(
        "people wrong at the end, of 4 times 6,000 with three unversioned notifications each",
        lambda of: sum(run["wrong"] for run in of["order"]["runs"]), 0, lower=True,
    ),
)  # fmt: skip


def written(results: Results) -> str:
    """Returns the table, where anything of it was measured."""
    rows = [target.row(results) for target in TARGETS]
    if all(row[1] == _UNKNOWN for row in rows):
        return ""
    return "\n\n".join(("### What is to be reached", table(HEADS, rows)))
