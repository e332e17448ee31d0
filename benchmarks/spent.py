"""Where the time goes, as Markdown: CPU by group, by room of the code, by size of batch; and what safety costs."""

from collections.abc import Mapping
from typing import Any

from benchmarks.markdown import table

Results = Mapping[str, Any]
RUNS = {
    "race": "the queue is full, then the fleet begins",
    "beside": "the same, beside many other people in the store",
    "live": "the publisher runs beside the fleet",
}
GROUPS = {
    "workers main": "workers: main",
    "workers reader": "reader",
    "workers pool": "pool",
    "beat": "beat",
    "postgres": "PostgreSQL",
    "rabbitmq": "RabbitMQ",
    "simulator": "simulator",
    "benchmark": "publisher",
}
_ROLES = {"main": "main", "reader": "reader", "pool": "pool"}


def microseconds(run: Results) -> dict[str, int]:
    """Returns CPU time of a notification, by group."""
    return {group: round(1e6 * run["cpu"].get(group, 0.0) / run["changes"]) for group in GROUPS}


def busy_with_others(run: Results) -> str:
    """Returns how much of the machine something else had meanwhile."""
    return f"{max(0.0, run['cpu'].get('others', 0.0)) / (run['seconds'] * run['cores']):.0%}"


def runs(results: Results) -> str:
    """Returns the table of runs: how fast they were, and what took the time."""
    found = {name: results[name] for name in RUNS if name in results}
    if not found:
        return ""
    heads = ("run", "notifications/s", "requests", "operations", "machine busy with others", "measured")
    speeds = [
        [RUNS[name], run["per_second"], run["requests"], run["operations"], busy_with_others(run), run["at"]]
        for name, run in found.items()
    ]
    rows = [[RUNS[name], *microseconds(run).values()] for name, run in found.items()]
    spent = "Microseconds of CPU a notification, all processes of a kind together:"
    return "\n\n".join(
        ("### End to end", table(heads, speeds), spent, table(("run", *GROUPS.values()), rows), _limit(found))
    )


def _limit(found: Mapping[str, Results]) -> str:
    run = next(iter(found.values()))
    spent = microseconds(run)
    workers = sum(value for group, value in spent.items() if group.startswith("workers "))
    everything = sum(spent.values())
    return (
        f"In the first run a notification takes {everything:,} µs of CPU in all, so the {run['cores']} cores of "
        f"this machine end at {1e6 * run['cores'] / max(1, everything):,.0f} a second. The workers by themselves take "
        f"{workers:,}: with broker, store and Customer.io elsewhere that is {1e6 / max(1, workers):,.0f} a second for "
        "each core of theirs."
    )


def rooms(results: Results) -> str:
    """Returns the table by room of the code, "" if there are no figures."""
    found = results.get("profile")
    if not found:
        return ""
    by_role = {role: found["rooms"][role] for role in _ROLES if role in found["rooms"]}
    sums: dict[str, float] = {}
    for counts in by_role.values():
        for room, spent in counts.items():
            sums[room] = sums.get(room, 0.0) + spent
    names = sorted((room for room, spent in sums.items() if round(spent)), key=lambda room: -sums[room])
    lines = [
        [room, *(round(counts.get(room, 0.0)) for counts in by_role.values()), round(sums[room])] for room in names
    ]
    title = (
        f"### Where a notification's microseconds go\n\nBy py-spy over {found['changes']:,} notifications from a full "
        f"queue ({found['at']}): a room of the code with all that it calls in libraries, by kind of process."
    )
    return "\n\n".join((title, table(("room", *by_role, "in all"), lines)))


def batches(results: Results) -> str:
    """Returns the table by size of batch, "" if there are no figures."""
    found = results.get("batches")
    if not found:
        return ""
    names = ("intake", "delivery", "store_intake", "store_delivery")
    heads = ("notifications in a batch", "taking in", "delivering", "PostgreSQL, taking in", "PostgreSQL, delivering")
    lines = [[int(size), *(round(costs[name] / int(size)) for name in names)] for size, costs in found["sizes"].items()]
    parts = ", ".join(f"{found[name]['fixed'] / 1000:.1f} ms + {found[name]['each']:.0f} µs each" for name in names)
    title = (
        "### What small batches cost\n\nMicroseconds of CPU a notification, by one process without a broker "
        f"({found['at']}). As a line through the first and the last row, in the order of the columns: {parts}."
    )
    return "\n\n".join((title, table(heads, lines)))


def safety(results: Results) -> str:
    """Returns the same run with each safeguard off."""
    found = results.get("safety")
    if not found:
        return ""
    before = next(iter(found["runs"]))["per_second"]
    lines = [
        [run["label"], run["per_second"], f"{run['per_second'] / before:.2f}", run["microseconds"]]
        for run in found["runs"]
    ]
    title = (
        f"### What safety costs\n\n{found['changes']:,} notifications from a full queue, with each safeguard off in "
        f"turn ({found['at']}). The first row and the last are the same run: what lies between them is the machine's."
    )
    heads = ("run", "notifications/s", "of the first", "CPU µs of workers and servers")
    return "\n\n".join((title, table(heads, lines)))
