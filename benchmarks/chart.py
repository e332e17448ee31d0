"""The chart of docs/performance.md: an SVG drawn by hand, legible on light and on dark."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Results = Mapping[str, Any]
Bars = Sequence[tuple[str, float]]
_WIDTH, _LINE, _MARGIN, _LABELS, _FIGURES = 860, 30, 24, 340, 90
_STYLE = """
text { font: 14px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; fill: #24292f }
.ours { fill: #2563eb } .others { fill: #9aa4af }
@media (prefers-color-scheme: dark) {
  text { fill: #a9b4c0 }
  .title { fill: #e6edf3 }
  .ours { fill: #6ea8fe } .others { fill: #6e7985 }
}
"""
_INSTEAD = {
    "celery_2": "Celery task for each, 2 processes",
    "celery_8": "Celery task for each, 8 processes",
    "official_loop": "customerio, in a loop",
    "official_threads": "customerio, 16 threads",
    "async_requests": "async-customerio, 32 at once",
    "async_batches": "async-customerio, v2 batches",
}


def drawn(results: Results) -> str:
    """Returns the chart of what has figures, one group of bars below the other."""
    charts = {
        "Notifications a second, in turn": _race(results),
        "Notifications a second with a safeguard off": _safety(results),
        "Notifications per CPU second of the sender": _instead(results),
    }
    parts: list[str] = []
    height = _MARGIN
    for title, bars in charts.items():
        if bars:
            parts += _bars(title, bars, height)
            height += _LINE * (len(bars) + 1) + _MARGIN
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="How fast the connector is">\n<style>{_STYLE}</style>\n{body}\n</svg>\n'
    )


def _race(results: Results) -> Bars:
    found = results.get("race")
    if not found:
        return []
    return [
        ("this connector's fleet", found["per_second"]),
        ("v2 batches from memory, nothing kept", found["script"]["per_second"]),
        ("a Celery task for each", found["celery"]["per_second"]),
    ]


def _safety(results: Results) -> Bars:
    return [(run["label"], run["per_second"]) for run in results.get("safety", {}).get("runs", ())]


def _instead(results: Results) -> Bars:
    instead, fleet = results.get("instead"), results.get("race")
    if not instead or not fleet:
        return []
    others = [(label, instead[name]["per_cpu_second"]) for name, label in _INSTEAD.items() if name in instead]
    return [("this connector's fleet", fleet["per_cpu_second"]), *others]


def _text(x: float, y: float, text: str, look: str = "", anchor: str = "start") -> str:
    kind = f' class="{look}"' if look else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"{kind}>{escape(text)}</text>'


def _bars(title: str, bars: Bars, top: float) -> list[str]:
    most = max(value for _, value in bars)
    room = _WIDTH - _LABELS - _FIGURES - _MARGIN
    found = [_text(_MARGIN, top + 14, title, "title")]
    for number, (label, value) in enumerate(bars, 1):
        y, width, look = top + number * _LINE, max(2.0, room * value / most), "ours" if number == 1 else "others"
        found += [
            _text(_LABELS - 10, y + 16, label, anchor="end"),
            f'<rect x="{_LABELS}" y="{y:.0f}" width="{width:.0f}" height="20" rx="3" class="{look}"/>',
            _text(_LABELS + width + 8, y + 16, f"{value:,.0f}"),
        ]
    return found
