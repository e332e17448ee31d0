"""Which fleets are played through, and how the outcomes read (benchmarks/simulation.py)."""

from collections.abc import Mapping
from typing import Any

from benchmarks.markdown import table
from benchmarks.simulation import Costs, Fleet, Game
from connector.errors import ConnectorError

Results = Mapping[str, Any]
RATES = (2000, 5000, 10_000, 15_000, 20_000)
SIZES = ((1, 1), (2, 1), (4, 2), (8, 4))
"""Shards and machines."""
WORKSPACES = 100
SECONDS = 60.0
_BEHIND_SECONDS = 2.0
"""Where more waits than arrives within that time, the fleet is not fast enough."""


def run(results: Results, commit_seconds: float, answer_seconds: float, seconds: float = SECONDS) -> dict[str, Any]:
    """Plays all of them with the costs of `results`. Raises ConnectorError if those were not measured."""
    costs = costs_of(results, commit_seconds, answer_seconds)
    fleets = [Fleet(rate, shards, machines) for rate in RATES for shards, machines in SIZES]
    fleets += [Fleet(10_000, shards, machines, WORKSPACES) for shards, machines in SIZES]
    return {"seconds": seconds, "games": [_game(fleet, costs, seconds) for fleet in fleets]}


def costs_of(results: Results, commit_seconds: float, answer_seconds: float) -> Costs:
    """Returns the costs measured by size of batch; carrying is what a notification of the fleet takes beside that."""
    missing = [name for name in ("race", "batches") if name not in results]
    if missing:
        raise ConnectorError(f"the simulation rests on figures that are not there: run {' and '.join(missing)} first")
    race, batches = results["race"], results["batches"]
    workers = sum(seconds for group, seconds in race["cpu"].items() if group.startswith("workers "))
    decided = batches["intake"]["each"] + batches["delivery"]["each"]
    read = max(0.0, 1e6 * workers / race["changes"] - decided)
    return Costs.of(batches, 1e-6 * read, commit_seconds, answer_seconds)


def _game(fleet: Fleet, costs: Costs, seconds: float) -> dict[str, Any]:
    found = Game(fleet, costs, seconds).play()
    return {
        "per_second": fleet.per_second,
        "shards": fleet.shards,
        "machines": fleet.machines,
        "workspaces": fleet.workspaces,
        "backlog": found.backlog,
        "median": round(found.median, 3),
        "p99": round(found.p99, 3),
        "store_busy": round(found.store_busy, 3),
    }


def written(results: Results) -> str:
    """Returns the section about them."""
    found = results.get("games")
    if not found:
        return ""
    heads = ("a second", *(f"{shards} shard{'s' * (shards > 1)}, {machines} x 4 cores" for shards, machines in SIZES))
    rates = [(rate, 1) for rate in RATES] + [(10_000, WORKSPACES)]
    lines = [[_rate(rate, spaces), *(_cell(found, rate, spaces, *size) for size in SIZES)] for rate, spaces in rates]
    title = (
        f"### By simulation\n\nSo many notifications a second for {found['seconds']:.0f} s, event by event, with the "
        "costs above. Readers and couriers have a core each, the store has 16 and a disk like this one's, Customer.io "
        "answers after 50 ms. A cell says within what time 99 % were confirmed, or how many were left at the end."
    )
    return "\n\n".join((title, table(heads, lines)))


def _rate(rate: int, workspaces: int) -> str:
    return f"{rate:,}" if workspaces == 1 else f"{rate:,} in {workspaces} workspaces"


def _cell(found: Results, rate: int, workspaces: int, shards: int, machines: int) -> str:
    wanted = {"per_second": rate, "workspaces": workspaces, "shards": shards, "machines": machines}
    game = next(each for each in found["games"] if wanted.items() <= each.items())
    if game["backlog"] > rate * _BEHIND_SECONDS:
        return f"{game['backlog']:,} left"
    return f"{game['p99']:.2f} s"
