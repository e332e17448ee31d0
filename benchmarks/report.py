"""results.json, and from it the figures in docs/performance.md and their chart."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import chart, machine, tables

Figures = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("results.json")
DOCUMENT = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"
BEGIN = "<!-- Figures: `make bench` writes what stands from here to the next mark. -->"
END = "<!-- End of the figures. -->"


def shown(found: Figures) -> str:
    """Returns figures for the terminal: a line each."""
    return "\n".join(f"  {name}: {json.dumps(value)}" for name, value in found.items())


def save(name: str, found: Figures) -> None:
    """Puts one benchmark's figures into results.json, and renews the document and the chart."""
    found_before = results()
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    found_before |= {"machine": machine.described(), name: {"at": now, **found}}
    RESULTS.write_text(json.dumps(found_before, indent=1) + "\n", "utf-8")
    write()


def write() -> None:
    """Renews the document and the chart from results.json."""
    kept = results()
    DOCUMENT.write_text(spliced(DOCUMENT.read_text("utf-8"), tables.written(kept)), "utf-8")
    CHART.write_text(chart.drawn(kept), "utf-8")


def spliced(document: str, figures: str) -> str:
    """Returns the document with these figures between its marks. Raises ValueError if it has not one of each."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise ValueError(f"the document must have these two lines once, in this order:\n{BEGIN}\n{END}")
    return f"{before}{BEGIN}\n\n{figures.strip()}\n\n{END}{after}"


def results() -> Figures:
    """Returns what was measured so far, by benchmark; each says when."""
    found: Figures = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    return found
