"""The chart of docs/performance.md: an SVG drawn by hand, legible on light and on dark."""

from collections.abc import Mapping, Sequence
from html import escape
from math import ceil
from typing import Any

Results = Mapping[str, Any]
_WIDTH, _LINE, _MARGIN, _LABELS, _FIGURES = 860, 30, 24, 300, 90
_PLOT, _KEY, _ROUND = 220, 160, 2000
_STYLE = """
text { font: 14px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; fill: #24292f }
.ours { fill: #2563eb; stroke: #2563eb } .others { fill: #9aa4af; stroke: #9aa4af } .grid { stroke: #9aa4af55 }
@media (prefers-color-scheme: dark) {
  text { fill: #a9b4c0 }
  .title { fill: #e6edf3 }
  .ours { fill: #6ea8fe; stroke: #6ea8fe } .others { fill: #6e7985; stroke: #6e7985 }
}
"""
_BARS = {
    "celery_2": "Celery task a change, 2 processes",
    "celery_8": "Celery task a change, 8 processes",
    "official_loop": "customerio, in a loop",
    "official_threads": "customerio, 16 threads",
    "async_requests": "async-customerio, 32 at once",
    "async_batches": "async-customerio, v2 batches",
}
_LINES = {"fleet preloaded": ("ours", "empty store"), "fleet preloaded beside 1000000": ("others", "beside 1,000,000")}


def drawn(results: Results) -> str:
    """What there are figures for: bars per CPU second, and the tenths of the runs below them."""
    parts: list[str] = []
    height = _MARGIN
    fleet = results.get("fleet preloaded")
    if fleet:
        instead = results.get("instead", {})
        bars = [("this connector", fleet["per_cpu_second"])]
        bars += [(label, instead[name]["per_cpu_second"]) for name, label in _BARS.items() if name in instead]
        parts += _bars("Changes per CPU second of the sender", bars, height)
        height += _LINE * (len(bars) + 1) + _MARGIN
    runs = {label: (look, results[name]["tenths"]) for name, (look, label) in _LINES.items() if name in results}
    if runs:
        parts += _lines("Changes a second, in each tenth of the run", runs, height)
        height += _PLOT + _LINE + _MARGIN
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="How fast the connector is">\n<style>{_STYLE}</style>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, look: str = "", anchor: str = "start") -> str:
    kind = f' class="{look}"' if look else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{kind}>{escape(text)}</text>'


def _bars(title: str, bars: Sequence[tuple[str, float]], top: float) -> list[str]:
    most = max(value for _, value in bars)
    room = _WIDTH - _LABELS - _FIGURES - _MARGIN
    found = [_text(_MARGIN, top + 14, title, "title")]
    for number, (label, value) in enumerate(bars, 1):
        y, width, look = top + number * _LINE, max(2.0, room * value / most), "ours" if number == 1 else "others"
        found += [
            _text(_LABELS - 10, y + 16, label, anchor="end"),
            f'<rect x="{_LABELS}" y="{y}" width="{width:.0f}" height="20" rx="3" class="{look}"/>',
            _text(_LABELS + width + 8, y + 16, f"{value:,.0f}"),
        ]
    return found


def _lines(title: str, runs: Mapping[str, tuple[str, Sequence[float]]], top: float) -> list[str]:
    most = _ROUND * ceil(max(rate for _, tenths in runs.values() for rate in tenths) / _ROUND)
    left, right, bottom = 80, _WIDTH - _MARGIN, top + _LINE + _PLOT
    found = [_text(_MARGIN, top + 14, title, "title")]
    for share in (0.0, 0.5, 1.0):
        y = bottom - _PLOT * share
        found.append(f'<line x1="{left}" y1="{y:.0f}" x2="{right}" y2="{y:.0f}" class="grid"/>')
        found.append(_text(left - 10, y + 5, f"{most * share:,.0f}", anchor="end"))
    for place, (label, (look, tenths)) in enumerate(runs.items(), 1):
        step, x = (right - left) / len(tenths), right - _KEY * place
        points = [(left + step * (tenth + 0.5), bottom - _PLOT * rate / most) for tenth, rate in enumerate(tenths)]
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        found.append(f'<polyline points="{path}" class="{look}" style="fill: none" stroke-width="3"/>')
        found.append(f'<line x1="{x}" y1="{top + 9}" x2="{x + 20}" y2="{top + 9}" class="{look}" stroke-width="5"/>')
        found.append(_text(x + 28, top + 14, label))
    return found
