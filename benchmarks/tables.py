"""The figures of docs/performance.md as Markdown."""

from collections.abc import Mapping
from typing import Any

from benchmarks import games, paper, spent, targets
from benchmarks.markdown import table

Results = Mapping[str, Any]
BEFORE = "order before"
"""The order of the version that had several readers for each queue: it was measured once, and stays beside the new."""
HEADS_OF_ORDER = ("published", "versions", "people", "people wrong at the end", "in the version before")
INSTEAD = {
    "celery_2": "a Celery task and a request for each, 2 processes",
    "celery_8": "the same, 8 processes",
    "official_loop": "`customerio`, one after another",
    "official_threads": "`customerio`, 16 threads",
    "async_requests": "`async-customerio`, 32 requests at once",
    "async_batches": "`async-customerio`, v2 batches of 500",
}


def written(results: Results) -> str:
    """Returns every section that has figures."""
    sections = [
        targets.written,
        _race,
        spent.runs,
        _order,
        _latency,
        spent.rooms,
        spent.batches,
        spent.safety,
        _instead,
        _memory,
        paper.written,
        games.written,
        _machine,
    ]
    return "\n\n".join(text for section in sections if (text := section(results)))


def _machine(results: Results) -> str:
    rows = dict(results.get("machine", {}))
    servers = next((results[name]["servers"] for name in spent.RUNS if name in results), None)
    if servers:
        rows["servers"] = servers
    text = table(("the machine", ""), rows.items())
    return "### The machine\n\n" + text.replace("---:", "---")


def _race(results: Results) -> str:
    found = results.get("race")
    if not found:
        return ""
    script, celery = found["script"], found["celery"]
    title = (
        f"### In turn, within the same minutes\n\n{found['changes']:,} notifications about {found['people']:,} people; "
        f"{len(found['rounds'])} rounds, the middle one counts ({found['at']})."
    )
    rows = [
        ["**the fleet**, everything kept", found["per_second"], _listed(found["rounds"]), 0],
        [
            "the official client's v2 batch from memory, nothing kept",
            script["per_second"],
            _listed(script["rounds"]),
            script["wrong_people"],
        ],
        ["a Celery task and a request for each", celery["per_second"], "", celery["wrong_people"]],
    ]
    return "\n\n".join((title, table(("what", "notifications/s", "each round", "people wrong at the end"), rows)))


def _listed(rates: list[int]) -> str:
    return ", ".join(f"{rate:,}" for rate in rates)


def _order(results: Results) -> str:
    found = results.get("order")
    if not found:
        return ""
    before = {_kind(run): run["wrong"] for run in results.get(BEFORE, {}).get("runs", ())}
    rows = [
        [
            "from a full queue" if run["preloaded"] else "while the workers run",
            "the same second" if run["versions"] == "equal" else "none",
            run["users"],
            run["wrong"],
            before.get(_kind(run), ""),
        ]
        for run in found["runs"]
    ]
    title = (
        f"### Order\n\nThree notifications about each user, one right behind the other, {found['workers']} workers "
        f"({found['at']})."
    )
    return "\n\n".join((title, table(HEADS_OF_ORDER, rows)))


def _kind(run: Results) -> tuple[object, object]:
    return run["preloaded"], run["versions"]


def _instead(results: Results) -> str:
    instead, fleet = results.get("instead"), results.get("race")
    if not instead or not fleet:
        return ""
    heads = (
        "what",
        "notifications/s",
        "per CPU second",
        "with its servers",
        "wrong at the end",
        "the fleet: times as many",
    )
    rows = [["**the fleet**", *_efficiency(fleet, fleet)]]
    rows += [[label, *_efficiency(instead[name], fleet)] for name, label in INSTEAD.items() if name in instead]
    return "\n\n".join(("### Against what people use instead", table(heads, rows)))


def _efficiency(found: Results, fleet: Results) -> list[object]:
    times = fleet["per_cpu_second"] / found["per_cpu_second"]
    return [
        found["per_second"],
        found["per_cpu_second"],
        found["per_cpu_second_with_servers"],
        found.get("wrong_people", 0),
        f"{times:.1f}",
    ]


def _latency(results: Results) -> str:
    names = [name for name in ("latency", "latency beside a backfill") if name in results]
    if not names:
        return ""
    found = results[names[0]]
    title = (
        f"### Latency\n\n{found['changes_a_second']:,.0f} notifications a second, from publish to confirmed; "
        f"Customer.io answers after {found['answer_ms']:.0f} ms. Milliseconds:"
    )
    rows = [[_beside(results[name]), *results[name]["milliseconds"].values(), results[name]["at"]] for name in names]
    return "\n\n".join((title, table(("", *found["milliseconds"], "measured"), rows)))


def _beside(found: Results) -> str:
    return f"beside a backfill of {found['backfill']:,}" if found["backfill"] else "by themselves"


def _memory(results: Results) -> str:
    found = results.get("memory")
    if not found:
        return ""
    title = f"### Memory\n\nMB of each process of the workers, over {found['changes']:,} notifications ({found['at']})."
    rows = []
    for role, tenths in found["mb"].items():
        series = zip(*tenths, strict=True) if len({len(each) for each in tenths}) == 1 else [map(sum, tenths)]
        rows += [[f"{role} {number}", *held] for number, held in enumerate(series, 1)]
    heads = ("after", *(f"{10 * tenth} %" for tenth in range(1, 11)))
    return "\n\n".join((title, table(heads, rows)))
