"""Draws charts of values of 0 and above as SVG: lines and bars without a script, with a text for screen readers."""

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

_WIDTH, _HEIGHT, _GAP = 640.0, 160.0, 2.0
Series = Sequence[float]


def sparkline(values: Series, label: str, width: int = 120, height: int = 24) -> Markup:
    """Returns a small line chart, without axes, as SVG.

    Args:
        values: The values, the oldest first.
        label: What the chart shows, in words, for screen readers.
        width: Its width, in pixels.
        height: Its height, in pixels.
    """
    highest = max(values, default=0.0) or 1.0
    step = width / max(len(values) - 1, 1)
    heights = [height - 1 - value / highest * (height - 2) for value in values]
    points = " ".join(f"{at * step:.1f},{each:.1f}" for at, each in enumerate(heights))
    line = f'<polyline points="{points}"/>' if values else ""
    return _svg(line, width, height, label, "spark")


def bars(columns: Sequence[tuple[str, float]], label: str) -> Markup:
    """Returns a bar chart as SVG, of columns with a name and a value, the oldest first; `label`: what it shows."""
    highest = max((value for _, value in columns), default=0.0) or 1.0
    width = _WIDTH / max(len(columns), 1)
    drawn = "".join(
        f'<rect x="{at * width + _GAP / 2:.1f}" y="{_HEIGHT - value / highest * _HEIGHT:.1f}" '
        f'width="{max(width - _GAP, 0.5):.1f}" height="{value / highest * _HEIGHT:.1f}">'
        f"<title>{escape(name)}: {value:,.0f}</title></rect>"
        for at, (name, value) in enumerate(columns)
    )
    return _svg(drawn, _WIDTH, _HEIGHT, label, "chart")


def lines(series: Sequence[tuple[str, Series]], label: str) -> Markup:
    """Returns a chart as SVG, of named lines over the same moments, the oldest first; `label`: what it shows."""
    highest = max((value for _, values in series for value in values), default=0.0) or 1.0
    drawn = "".join(_line(number, name, values, highest) for number, (name, values) in enumerate(series))
    return _svg(drawn, _WIDTH, _HEIGHT, label, "chart")


def _line(number: int, name: str, values: Series, highest: float) -> str:
    step = _WIDTH / max(len(values) - 1, 1)
    points = " ".join(f"{at * step:.1f},{_HEIGHT - value / highest * _HEIGHT:.1f}" for at, value in enumerate(values))
    return f'<polyline class="line-{number}" points="{points}"><title>{escape(name)}</title></polyline>'


def _svg(drawn: str, width: float, height: float, label: str, kind: str) -> Markup:
    head = f'<svg class="{kind}" viewBox="0 0 {width:g} {height:g}" role="img" preserveAspectRatio="none"'
    return Markup(f'{head} aria-label="{escape(label)}">{drawn}</svg>')  # noqa: S704 - every text in it is escaped
