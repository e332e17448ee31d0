"""The figures of the fleet's runs as Markdown: how fast, and what takes the time."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.markdown import table

Results = Mapping[str, Any]
EMPTY, BESIDE = "fleet preloaded", "fleet preloaded beside 1000000"
RUNS = {
    EMPTY: "the queue is full, then the fleet begins",
    BESIDE: "the same, 1,000,000 other people in the store",
    "fleet live": "the publisher runs beside the fleet",
}
_GROUPS = {
    "workers main": "workers, main",
    "workers pool": "workers, pool",
    "beat": "beat",
    "postgres": "PostgreSQL",
    "rabbitmq": "RabbitMQ",
    "simulator": "simulator",
    "benchmark": "publisher",
}


def written(results: Results) -> str:
    """The section about them; nothing where none was measured."""
    found = {name: results[name] for name in RUNS if name in results}
    if not found:
        return ""
    return "\n\n".join(
        part for part in (_title(found), _speeds(found), _beside(found), _cpu(found), _limit(found)) if part
    )


def halves(tenths: Sequence[float]) -> tuple[int, int]:
    """Changes a second in either half: each tenth took as long as its rate says."""
    middle = len(tenths) // 2
    first, second = (
        round(len(half) / sum(1 / max(1, rate) for rate in half)) for half in (tenths[:middle], tenths[middle:])
    )
    return first, second


def microseconds(run: Results) -> dict[str, int]:
    """CPU time a change, by group."""
    return {group: round(1e6 * run["cpu"].get(group, 0.0) / run["changes"]) for group in _GROUPS}


def _title(found: Mapping[str, Results]) -> str:
    sizes = next(iter(found.values()))
    return (
        f"### End to end\n\n{sizes['changes']:,} changes over {sizes['people']:,} people, {sizes['workers']} workers "
        f"with {sizes['concurrency']} pool processes each ({', '.join(run['at'] for run in found.values())}). "
        "Everybody was checked in the simulator at the end: at the last version, each event once."
    )


def _speeds(found: Mapping[str, Results]) -> str:
    heads = ("run", "changes/s", "first half", "second half", "requests", "operations", "machine busy with others")
    return table(heads, [[RUNS[name], *_speed(run)] for name, run in found.items()])


def _speed(run: Results) -> list[object]:
    others = run["cpu"].get("others", 0.0) / (run["seconds"] * run["cores"])
    return [run["per_second"], *halves(run["tenths"]), run["requests"], run["operations"], f"{others:.0%}"]


def _beside(found: Mapping[str, Results]) -> str:
    empty, full = found.get(EMPTY), found.get(BESIDE)
    if not empty or not full:
        return ""
    longer = empty["per_second"] / max(1, full["per_second"])
    costlier = empty["per_cpu_second_with_servers"] / full["per_cpu_second_with_servers"]
    return (
        f"Beside 1,000,000 other people in the store the fleet takes {longer:.2f} times as long (aim: at most 1.3), "
        f"and {costlier:.2f} times as much CPU."
    )


def _cpu(found: Mapping[str, Results]) -> str:
    rows = [[RUNS[name], *microseconds(run).values()] for name, run in found.items()]
    return "Microseconds of CPU a change:\n\n" + table(("run", *_GROUPS.values()), rows)


def _limit(found: Mapping[str, Results]) -> str:
    run = next(iter(found.values()))
    spent = microseconds(run)
    workers = spent["workers main"] + spent["workers pool"]
    everything = sum(spent.values())
    return (
        f"In the first run a change takes {everything:,} microseconds of CPU in all. So the {run['cores']} cores of "
        f"this machine end at {1e6 * run['cores'] / everything:,.0f} changes a second, if nothing else runs on them. "
        f"The workers by themselves take {workers:,}: with broker, store and Customer.io on other machines that is "
        f"{1e6 / workers:,.0f} changes a second for each core of theirs."
    )
