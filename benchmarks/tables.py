"""The figures of docs/performance.md as Markdown."""

from collections.abc import Mapping
from typing import Any

from benchmarks import fleet_tables, paper
from benchmarks.markdown import table

Results = Mapping[str, Any]
INSTEAD = {
    "celery_2": "a Celery task and a request for each change, 2 processes",
    "celery_8": "the same, 8 processes",
    "official_loop": "`customerio`, one change after another",
    "official_threads": "`customerio`, 16 threads",
    "async_requests": "`async-customerio`, 32 requests at once",
    "async_batches": "`async-customerio`, v2 batches of 500 changes",
}


def written(results: Results) -> str:
    """Every section that has figures."""
    sections = [_machine, fleet_tables.written, _instead, _latency, _memory, _paper]
    return "\n\n".join(text for section in sections if (text := section(results)))


def _machine(results: Results) -> str:
    rows = dict(results.get("machine", {}))
    servers = next((results[name]["servers"] for name in fleet_tables.RUNS if name in results), None)
    if servers:
        rows["servers"] = servers
    text = table(("the machine", ""), rows.items())
    return text.replace("---:", "---")


def _instead(results: Results) -> str:
    instead, fleet = results.get("instead"), results.get("fleet preloaded")
    if not instead or not fleet:
        return ""
    heads = ("what", "changes/s", "changes per CPU second", "with its servers", "the fleet: times as many")
    rows = [["**the connector's fleet**", *_efficiency(fleet, fleet)]]
    rows += [[label, *_efficiency(instead[name], fleet)] for name, label in INSTEAD.items() if name in instead]
    return "\n\n".join(("### Against what people use instead", table(heads, rows)))


def _efficiency(found: Results, fleet: Results) -> list[object]:
    times = fleet["per_cpu_second"] / found["per_cpu_second"]
    return [found["per_second"], found["per_cpu_second"], found["per_cpu_second_with_servers"], f"{times:.1f}"]


def _latency(results: Results) -> str:
    found = results.get("latency")
    if not found:
        return ""
    title = (
        f"### Latency\n\n{found['changes']:,} changes, {found['changes_a_second']:,.0f} a second, from publish to "
        f"confirmed; Customer.io answers after {found['answer_ms']:.0f} ms ({found['at']})."
    )
    names = list(found["milliseconds"])
    return "\n\n".join((title, table(("", *names), [["milliseconds", *found["milliseconds"].values()]])))


def _memory(results: Results) -> str:
    found = results.get("memory")
    if not found:
        return ""
    title = f"### Memory\n\nMB held by each process of the workers, over {found['changes']:,} changes ({found['at']})."
    rows = []
    for kind, name in (("main", "main process"), ("pool", "pool process")):
        series = list(zip(*found[f"{kind}_mb"], strict=True))
        rows += [[f"{name} {number}", *held] for number, held in enumerate(series, 1)]
    heads = ("after", *(f"{10 * tenth} %" for tenth in range(1, 1 + len(found["main_mb"]))))
    return "\n\n".join((title, table(heads, rows)))


def _paper(results: Results) -> str:
    found = results.get("fleet preloaded beside 1000000") or results.get("fleet preloaded")
    if not found or "storage" not in found:
        return ""
    cost = paper.Cost.of(found)
    return "\n\n".join(("### On paper", paper.basis(cost), table(paper.HEADS, paper.rows(cost))))
